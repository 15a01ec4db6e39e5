# nlme and glmmTMB on a model that comes as numbers: y, the columns of X, and for each term its columns and its codes.
# `attempt` and `reading` are lme4.R's.

guest_versions <- function(package) {
  session <- utils::sessionInfo()
  as.list(c(
    R = paste(R.version$major, R.version$minor, sep = "."),
    structure(installed(package), names = package), Matrix = installed("Matrix"),
    BLAS = basename(normalizePath(session$BLAS)), LAPACK = La_version(), platform = R.version$platform
  ))
}

# The data as columns y, x1, …, z1.1, …, g1, …, with the names of each term's columns.
guest_data <- function(y, X, terms) {
  data <- data.frame(y = y)
  data[paste0("x", seq_along(X))] <- X
  for (k in seq_along(terms)) {
    data[columns_of(k, terms[[k]])] <- terms[[k]]$columns
    data[[paste0("g", k)]] <- factor(terms[[k]]$codes)
  }
  data
}

columns_of <- function(k, term) paste0("z", k, ".", seq_along(term$columns))

right <- function(names) paste("0 +", paste(names, collapse = " + "))

fixed_formula <- function(X) stats::as.formula(paste("y ~", right(paste0("x", seq_along(X)))), env = globalenv())

guest_estimates <- function(fit, reml, beta, se, vcov, sigma, G, b, fitted) list(
  criterion = -2 * as.numeric(stats::logLik(fit)), sigma = as.numeric(sigma), beta = as.numeric(beta),
  se = as.numeric(se), vcov = as.numeric(vcov), G = lapply(G, as.numeric), b = lapply(b, as.numeric),
  fitted = as.numeric(fitted)
)

# lme's check of sizes, as against what goes wrong while it fits.
refused_by_lme <- function(condition) {
  grepl("fewer observations than random effects", conditionMessage(condition), fixed = TRUE)
}

# `chain`: the terms of each grouping factor, outermost first, each nested in the one before.
fit_nlme <- function(y, X, terms, chain, reml) attempt({
  data <- guest_data(y, X, terms)
  block <- function(k) nlme::pdSymm(stats::as.formula(paste("~", right(columns_of(k, terms[[k]])))))
  random <- lapply(chain, function(ks) if (length(ks) == 1) block(ks) else nlme::pdBlocked(lapply(ks, block)))
  names(random) <- vapply(chain, function(ks) paste0("g", ks[1]), "")
  method <- if (reml) "REML" else "ML"
  fit <- reading(nlme::lme(fixed_formula(X), data = data, random = random, method = method), refused_by_lme)
  G <- b <- vector("list", length(terms))
  for (level in seq_along(chain)) {
    covariance <- as.matrix(fit$modelStruct$reStruct[[names(random)[level]]]) * fit$sigma^2
    effects <- nlme::ranef(fit, level = level)
    inner <- sub("^.*/", "", rownames(effects))
    for (k in chain[[level]]) {
      at <- columns_of(k, terms[[k]])
      G[[k]] <- covariance[at, at]
      b[[k]] <- t(as.matrix(effects[order(as.numeric(inner)), at, drop = FALSE]))
    }
  }
  shown <- summary(fit)$tTable
  guest_estimates(fit, reml, nlme::fixef(fit), shown[, "Std.Error"], stats::vcov(fit), fit$sigma, G, b, stats::fitted(fit))
})

# A random intercept as a compound symmetry: var(g) is the share rho of the total variance. No term: least squares.
fit_gls <- function(y, X, terms, chain, reml) attempt({
  data <- guest_data(y, X, terms)
  within <- if (length(terms)) nlme::corCompSymm(form = ~ 1 | g1)
  fit <- nlme::gls(fixed_formula(X), data = data, correlation = within, method = if (reml) "REML" else "ML")
  rho <- if (length(terms)) as.numeric(stats::coef(fit$modelStruct$corStruct, unconstrained = FALSE)) else 0
  shown <- summary(fit)$tTable
  total <- fit$sigma^2
  guest_estimates(
    fit, reml, stats::coef(fit), shown[, "Std.Error"], stats::vcov(fit), sqrt((1 - rho) * total),
    list(rho * total)[seq_along(terms)], list(), stats::fitted(fit)
  )
})

fit_glmmTMB <- function(y, X, terms, chain, reml) attempt({
  data <- guest_data(y, X, terms)
  bars <- vapply(seq_along(terms), function(k) sprintf("(%s | g%d)", right(columns_of(k, terms[[k]])), k), "")
  text <- paste(c(deparse1(fixed_formula(X)), bars), collapse = " + ")
  fit <- glmmTMB::glmmTMB(stats::as.formula(text, env = globalenv()), data = data, REML = reml)
  group <- paste0("g", seq_along(terms))
  effects <- glmmTMB::ranef(fit)$cond
  vcov <- stats::vcov(fit)$cond
  guest_estimates(
    fit, reml, glmmTMB::fixef(fit)$cond, sqrt(diag(vcov)), vcov, stats::sigma(fit),
    lapply(group, function(g) unclass(glmmTMB::VarCorr(fit)$cond[[g]])[, , drop = FALSE]),
    lapply(group, function(g) t(as.matrix(effects[[g]][order(as.numeric(rownames(effects[[g]]))), , drop = FALSE]))),
    stats::fitted(fit)
  )
})
