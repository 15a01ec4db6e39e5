# lme4 for the benchmark, in three parts:
#   Rscript lme4.R measure MODEL_FOLDER RESULT.json SECONDS   times fits, as measure.py does for the others
#   Rscript lme4.R judge MODEL_FOLDER RESULT.json ANSWERS.json   the tight optimum, and the criterion at every theta
#   Rscript lme4.R export MODEL_FOLDER MODEL.json             writes InstEval as store.py writes

suppressPackageStartupMessages(library(jsonlite))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[2]

least <- 3
most <- 300
long <- 20

# toJSON writes at most 15 digits: numbers go through it as marked text of 17.
write_json <- function(record, path) {
  marked <- rapply(record, function(x) sprintf("#%.17g", x), classes = c("numeric", "integer"), how = "replace")
  writeLines(gsub('"#([^"]*)"', "\\1", toJSON(marked, auto_unbox = TRUE)), path)
}

read_model <- function(folder) {
  model <- fromJSON(file.path(folder, "model.json"), simplifyVector = FALSE)
  columns <- lapply(model$columns, function(column) {
    path <- file.path(folder, paste0(column$name, ".bin"))
    if (is.null(column$levels)) return(readBin(path, "double", model$rows, endian = "little"))
    codes <- readBin(path, "integer", model$rows, endian = "little") + 1L
    structure(codes, levels = as.character(unlist(column$levels)), class = "factor")
  })
  names(columns) <- vapply(model$columns, function(column) column$name, "")
  list(formula = as.formula(model$formula), data = as.data.frame(columns))
}

export <- function(folder, path) {
  model <- fromJSON(path, simplifyVector = FALSE)
  names <- all.vars(as.formula(model$formula))
  data <- lme4::InstEval[names]
  dir.create(folder, showWarnings = FALSE, recursive = TRUE)
  model$columns <- lapply(names, function(name) {
    column <- data[[name]]
    values <- if (is.factor(column)) as.integer(column) - 1L else as.double(column)
    writeBin(values, file.path(folder, paste0(name, ".bin")), endian = "little")
    list(name = name, levels = if (is.factor(column)) as.list(levels(column)))
  })
  model$rows <- nrow(data)
  model$slopes <- setNames(list(), character())
  writeLines(toJSON(model, auto_unbox = TRUE, null = "null"), file.path(folder, "model.json"))
}

# A grouping factor by its sorted parts: "a+b" for a:b and for b:a.
key <- function(group) paste(sort(strsplit(group, ":", fixed = TRUE)[[1]], method = "radix"), collapse = "+")

split_theta <- function(theta, cnms) {
  counts <- vapply(cnms, function(names) length(names) * (length(names) + 1) / 2, 0)
  found <- split(unname(theta), factor(rep(seq_along(cnms), counts), levels = seq_along(cnms)))
  setNames(lapply(found, as.list), vapply(names(cnms), key, ""))
}

memory <- function(field) {
  status <- readLines("/proc/self/status")
  as.numeric(gsub("\\D", "", grep(paste0("^", field, ":"), status, value = TRUE))) * 1024
}

clock <- function() as.numeric(Sys.time())
quietly <- function(code) suppressMessages(suppressWarnings(code))
errors <- function(fit) sqrt(diag(as.matrix(vcov(fit))))

measure <- function(folder, result, budget) {
  start <- clock()
  suppressPackageStartupMessages(library(lme4))
  imported <- clock() - start
  model <- read_model(folder)
  gc()
  cat("5", file = "/proc/self/clear_refs")
  before <- memory("VmRSS")
  start <- clock()
  fit <- quietly(lmer(model$formula, model$data))
  first <- clock() - start
  peak <- memory("VmHWM")
  record <- list(
    answer = list(
      criterion = REMLcrit(fit), beta = as.list(unname(fixef(fit))), sigma = sigma(fit),
      theta = split_theta(getME(fit, "theta"), getME(fit, "cnms")), evaluations = fit@optinfo$feval,
      se = as.list(unname(errors(fit)))
    ),
    version = as.character(packageVersion("lme4")), blas = basename(La_library()),
    imported = imported, first = first, before = before, peak = peak
  )
  seconds <- after <- numeric()
  enough <- function() {
    length(seconds) >= most || (length(seconds) >= (if (first < long) least else 1) && sum(seconds) >= budget)
  }
  used <- sum(proc.time()[1:2])
  wall <- clock()
  while (!enough()) {
    start <- clock()
    fit <- quietly(lmer(model$formula, model$data))
    done <- clock()
    errors(fit)
    seconds <- c(seconds, done - start)
    after <- c(after, clock() - done)
  }
  busy <- (sum(proc.time()[1:2]) - used) / (clock() - wall)
  write_json(c(record, list(seconds = as.list(seconds), errors = as.list(after), busy = busy)), result)
}

# Newton steps from central differences of the sixth order: a search by values alone stops at the square root of their
# rounding. At steps of h standard errors rounding costs a slope eps |f| / h and truncation about h^6, equal at the h
# chosen here. Coordinates at a bound of 0 stay there.
polish <- function(devfun, theta, lower) {
  free <- which(lower < 0 | theta > 1e-5)
  along <- function(i, step) replace(numeric(length(theta)), i, step)
  f <- devfun(theta)
  share <- (256 * .Machine$double.eps * abs(f))^(1 / 7)
  h <- 0.02 * pmax(abs(theta), 0.05)
  for (k in 1:2) for (i in free) {
    second <- (devfun(theta + along(i, h[i])) - 2 * f + devfun(theta - along(i, h[i]))) / h[i]^2
    if (second > 0) h[i] <- share * sqrt(2 / second)
  }
  H <- matrix(0, length(theta), length(theta))
  for (i in free) for (j in free[free <= i]) {
    a <- along(i, h[i])
    b <- along(j, h[j])
    mixed <- devfun(theta + a + b) - devfun(theta + a - b) - devfun(theta - a + b) + devfun(theta - a - b)
    H[i, j] <- H[j, i] <- mixed / (4 * h[i] * h[j])
  }
  for (k in 1:3) {
    gradient <- vapply(free, function(i) {
      odd <- vapply(1:3, function(m) devfun(theta + along(i, m * h[i])) - devfun(theta - along(i, m * h[i])), 0)
      sum(c(45, -9, 1) * odd) / (60 * h[i])
    }, 0)
    step <- tryCatch(solve(H[free, free], gradient), error = function(e) 0 * gradient)
    moved <- theta
    moved[free] <- theta[free] - step
    if (any(moved < lower) || max(abs(step) / h[free]) > 1) break
    theta <- moved
  }
  list(theta = theta, H = H)
}

# lme4's criterion is the judge: at the theta of every engine, and at its own optimum with all tolerances tight, searched
# from its default start and from the best theta of the engines, and polished. Of more than 200,000 rows there is no
# search from the default start, and of more than 2,000,000 none at all: the best theta is polished.
judge <- function(folder, result, answers) {
  suppressPackageStartupMessages(library(lme4))
  model <- read_model(folder)
  answers <- fromJSON(answers, simplifyVector = FALSE)
  parsed <- quietly(lFormula(model$formula, model$data, REML = TRUE))
  cnms <- parsed$reTrms$cnms
  start <- parsed$reTrms$theta
  devfun <- quietly(do.call(mkLmerDevfun, parsed))
  thetas <- lapply(answers, function(theta) as.numeric(unlist(theta[vapply(names(cnms), key, "")])))
  values <- vapply(thetas, devfun, 0)
  tight <- function(start) {
    control <- list(xtol_rel = 1e-12, xtol_abs = 1e-12, ftol_abs = 1e-12, maxeval = 5000)
    nloptwrap(par = start, fn = devfun, lower = parsed$reTrms$lower, upper = rep(Inf, length(start)), control = control)
  }
  best <- thetas[[which.min(values)]]
  rows <- nrow(model$data)
  starts <- if (rows > 2e6) list() else unique(list(if (rows > 2e5) best else start, best))
  found <- c(lapply(starts, tight), list(list(par = best, fval = min(values))))
  optimum <- polish(devfun, found[[which.min(vapply(found, function(run) run$fval, 0))]]$par, parsed$reTrms$lower)
  value <- devfun(optimum$theta)
  noise <- 256 * .Machine$double.eps * abs(value)
  above <- mapply(function(theta, f) {
    if (abs(f - value) > noise) return(f - value)
    sum((theta - optimum$theta) * (optimum$H %*% (theta - optimum$theta))) / 2
  }, thetas, values)
  invisible(devfun(optimum$theta))
  predictor <- environment(devfun)$pp
  response <- environment(devfun)$resp
  sigma <- sqrt((response$wrss() + predictor$sqrL(1)) / (nrow(parsed$X) - ncol(parsed$X)))
  write_json(list(
    above = as.list(above), optimum = value, own = found[[1]]$fval, theta = split_theta(optimum$theta, cnms),
    beta = as.list(predictor$beta(1)), sigma = sigma, se = as.list(sigma * sqrt(diag(predictor$unsc())))
  ), result)
}

switch(arguments[1],
  measure = measure(folder, arguments[3], as.numeric(arguments[4])),
  judge = judge(folder, arguments[3], arguments[4]),
  export = export(folder, arguments[3])
)
