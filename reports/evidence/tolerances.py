"""Every bound that a verdict rests on, with its derivation: the one table."""

from relmer.reports.records import Tolerance

EPS = 2.0**-52

# |criterion - reference| / size of its parts, at the same theta.
CRITERION = 1e-12
# |value - reference| / largest entry, estimates evaluated at the same theta.
EVALUATION = 1e-9
# Criterion above the optimum that rounding alone explains, relative to the size of the criterion's parts.
GAP = 64 * EPS
# How closely the Newton decrement must predict the gap for a stop to count as early.
DECREMENT = 0.5
# Largest gap that counts as an early stop.
EARLY = 1e-3
# Singular values of T below this part of the largest, or of 1, count as zero: lme4's tolerance for a singular fit.
SINGULAR = 1e-4
# Gap per parameter at which lme4 itself accepts convergence.
STOP = 2e-6
# Gap that is told before everything else.
FINDING = 1e-6
# The quadratic model's allowance is stretched by this for its higher terms.
SLACK = 2.0
# Rounding that may cost an evaluation half of a double's digits, relative to the residual.
LOSS = 1e-8
# Mean of a covariate, in units of its spread, from where on it is far from zero.
FAR = 100.0
# A fingerprint's sums, relative, where a digest differs.
MATRIX = 1e-13

TABLE = (
    Tolerance(
        "criterion at shared theta",
        f"{CRITERION:g} × (|log|L|²| + |log|RX|²| + d (1 + |log(2π pwrss/d)|))",
        "The criterion is a sum of these parts and cannot be rounded better than their size allows. Each part comes "
        "from a Cholesky factor of order q, whose backward error of about q × 2⁻⁵² with q ≤ 1,000 gives 2e-13; 1e-12 "
        "leaves a factor of five for the conditioning of X.",
    ),
    Tolerance(
        "the condition of V",
        "n × 2⁻⁵² × (1 + the largest row sum of |Λ'Z'WZΛ|), where that is more than the criterion's bound; for "
        "estimates "
        "2⁻⁵² × the same condition, where that is more than their bound",
        "A backward stable Cholesky factor is that of a matrix 2⁻⁵² away, relative to its largest eigenvalue; the "
        "smallest is 1, so each of n terms of the criterion is known to 2⁻⁵² times the condition number. Whoever "
        "evaluates at such a theta loses as much, this project's paths too, and a search by such values cannot see a "
        "gap that is smaller.",
    ),
    Tolerance(
        "the inverse of G",
        "2 n eps × the largest row sum of |Z G| |Δ|, Δ = T⁻¹ by the lengths of its columns, for an engine whose "
        "dialect says that it works with the inverse of G",
        "Its triangular factor is that of the rows of Z above those of Δ, each column eps off as a whole. Near a zero "
        "variance Δ is large, so that Z keeps eps |Δ| only; V = Z G Z' + R moves by twice that times Z G, and each of "
        "n terms of the criterion by as much.",
    ),
    Tolerance(
        "a response far from zero",
        f"where ρ = n eps κ g is at least {LOSS:g}: 2 d log(1 + ρ) of the criterion, n eps max|y| g of a residual, and "
        "of sigma, variances and fitted values what follows from these; √Σw times that of a residual, times SE_j / σ, "
        "of beta, and times half the length of a row of T of b; κ = max|y| / rms(residual), g = max |X_j|² SE_j² / σ²",
        "A sum of n terms of the size of y is rounded by up to n eps |y|, which is n eps κ of the residual. X'V⁻¹X is "
        "what is left of X'X, g times smaller: by so much grows the error of Xβ. pwrss is a sum of squared residuals, "
        "and the criterion has d log pwrss. beta and b are linear in the residual, with norms of at most SE_j / σ and "
        "|T_i| / 2: an intercept is a value at 0, far from the data, and moves by more. An engine that centres the "
        "response loses little of this, so it excuses no path of this project. Rounding names the cause; whether the "
        "loss is harmless is the next bound.",
    ),
    Tolerance(
        "a covariate far from zero",
        f"where h is at least {FAR**2:g}: n p eps h of the criterion; h = max |X_j|² [(X'X)⁻¹]_jj",
        "What is left of column j beside the others is 1/h of it: (mean / spread)⁻² of a covariate beside the "
        "intercept. Who does not centre has it as a difference, known to n eps of the whole, so that each of the p "
        "logarithms of |RX|² is known to n eps h. It excuses no path of this project.",
    ),
    Tolerance(
        "an offset",
        "2 d eps max(|y|, |offset|) / rms(residual) of the criterion",
        "Who keeps the offset in the mean has each residual as the difference of two doubles of its size. It excuses "
        "no path of this project.",
    ),
    Tolerance(
        "harmless",
        f"a criterion within {EARLY:g}, or at a shared theta what the condition of V takes, if a digit is left; an "
        f"estimate that moves by no more than a stop {EARLY:g} above the optimum "
        "moves it, or by 3 % of its own standard error (of sigma and of variances: of that of the residual variance; "
        "of b "
        "and fitted values: σ/√n)",
        "A difference in the deviance of 1e-3 changes no p-value near 0.05 by more than 3e-5, and √1e-3 of a standard "
        "error, 3 %, no interval that anyone reads. What exceeds it is wrong, whatever its cause.",
    ),
    Tolerance(
        "gap to the optimum",
        f"64 × 2⁻⁵² = {GAP:.1e} × the size of the criterion's parts",
        "Rounding of a sum of some dozen parts: neither engine can tell two theta apart whose criteria differ by less.",
    ),
    Tolerance(
        "stopped early",
        f"the gap is at most {EARLY:g}, and the Newton decrement ½ g'H⁻¹g at the engine's theta is that gap to 50 %, "
        "or "
        "the criterion falls all the way along the straight line in G to the optimum, seen at 8 points",
        "A gap of 1e-3 on the deviance scale moves no estimate by more than √1e-3, 3 %, of its standard error. "
        "In the basin of a quadratic minimum gap and decrement are equal; 50 % admits the cubic term. Near a zero "
        "variance theta's chart is not that of the minimum, and the line shows that no ridge lies between. At a false "
        "minimum, or in another basin, neither holds, and the stop is wrong.",
    ),
    Tolerance(
        "false minimum of theta's chart",
        f"the decrement is less than {DECREMENT:.0%} of the gap, and N'SN has a negative eigenvalue, N spanning what T "
        f"has only below {SINGULAR:g}",
        "S = df/dG. Along any v the step G + t vv' stays a covariance matrix and changes the criterion by t v'Sv. lme4 "
        "itself calls an entry of T below 1e-4 singular.",
    ),
    Tolerance(
        "estimates at the optimum",
        f"|δq| ≤ {SLACK:g} √(2 gap · J H⁻¹ J') + {EVALUATION:g} × the largest entry; of a coefficient its own size or "
        "its standard error, but no more than 3 % of that and 16 × 2⁻⁵² of itself; of a covariance of coefficients the "
        "product of their standard errors; of theta, a variance component and b the largest is that of what they do in "
        "V or in a fitted value, at least σ², σ: in units of σ²/(max|z_i| max|z_j|), σ/max|z|",
        "The largest change of q over the ellipsoid ½ δ'H δ ≤ gap (J = dq/dθ), with the gap of the engine, that of "
        "the reference and the rounding of both; the factor 2 is for the terms beyond the quadratic. A variance of "
        "1e-19 "
        "beside σ² = 1 is zero to every digit of V.",
    ),
    Tolerance(
        "estimates at the same theta",
        f"{EVALUATION:g} × the largest entry, or 8 × what the rounding of theta moves V by, if that is more; of fitted "
        "values about their mean, and 16 × 2⁻⁵² of themselves; of the diagonal of V each entry itself, of its row sums "
        "Σ_j |V_ij|",
        "Two correct programs solve the same linear systems; with condition numbers of X up to 1e5 (bdf, after "
        "scaling) the errors are 1e5 × 2⁻⁵² × a small factor, below 1e-9. Where a covariate is far from its origin "
        "Z Λ is a difference of large numbers, and theta, a double, carries V to 2⁻⁵² of these only: 2 × 2⁻⁵² "
        "|Z| |Λ| beside |Z Λ| for each entry. V_ii is a sum of squares, so that nothing cancels and each is known to "
        "its own size, row by row; in a row's sum entries of V cancel where covariates change their sign.",
    ),
    Tolerance(
        "finding",
        f"a stop more than {FINDING:g} above the optimum",
        "The likelihood is then 5e-7 below its maximum, which the seven digits that summaries print still show. Two "
        "engines that both have converged differ by less.",
    ),
    Tolerance(
        "printed figures",
        "half a unit of the last printed digit; else it is rough if a known convention gives it, or a stop at most "
        f"{STOP:g} per parameter of theta above the optimum, and for a figure of the documents some fit must give the "
        f"printed digits. An engine is held only against figures that the optimum gives: {SLACK**2:g} × its own gap "
        "may "
        "account for a difference",
        "A printed figure carries no more. lme4 accepts a scaled gradient of 0.002 per parameter: the criterion may "
        "then lie ½ × 0.002² = 2e-6 per parameter above the optimum. An engine's own stop moves a figure by the root "
        "of its gap, which the factor 2 stretches as for the estimates.",
    ),
    Tolerance(
        "engines among themselves",
        f"where this project refuses the model: {CRITERION:g} × (n + |criterion|) at the same theta, {GAP:.1e} × that "
        f"for a stop; {EVALUATION:g} × the largest entry of an estimate; then what is harmless by the answer's SE "
        "and sigma",
        "The bounds above, with n + |criterion| for the size of the criterion's parts, which are not known. Nobody is "
        "wrong by them: what differs more is not judged. Only an engine whose own criterion is lower at a theta that "
        "another engine has found stopped early, in its own words.",
    ),
    Tolerance(
        "what is concluded",
        f"at the engine's own theta: logLik, AIC and BIC as the criterion; counts exactly; t by the "
        "bounds of beta and SE, "
        f"(|δβ| + |t| |δSE|)/SE; conditional SDs as b; degrees of freedom 10 × {EVALUATION:g} of themselves; p at the "
        "corners of t's bound and theirs; an end of a Wald interval |δβ| + z |δSE|; a prediction as a fitted "
        "value, X β by |X| |δβ| if that is more",
        "All follow from estimates and from theta alone, so that where a search stopped moves nothing. AIC and BIC add "
        "whole numbers. Degrees of freedom by exact derivatives lose some times what an estimate does: ten. They are "
        "harmless where p = 0.05 moves by less than 3e-5.",
    ),
    Tolerance(
        "differences for derivatives",
        "of 1/ν by Satterthwaite, for engines that are not this project's: z'|E|z/(1 − r) + 4 Σ |z_i| eps_v/h_i, with "
        "z = H⁻¹ ∂log v/∂x, x = (θ, σ), |E_ij| = 20 δ/(h_i h_j), r = Σ |H⁻¹_ij E_ij|; δ is the "
        "rounding of the criterion; "
        "no bound where r reaches ½",
        "lmerTest's Hessian is numDeriv's: Richardson's extrapolation from steps 0.1 |x|, halved three times, h = 0.1 "
        "|x|/8; of v from 1e-4 |x|. f rounded by δ moves a second difference by 4δ/h²; the extrapolation's weights at "
        "most double that; a mixed one takes off two plain ones, each known to 8δ/h². 1/ν = z'Hz "
        "moves by z'Ez. What the "
        "extrapolation leaves out is 1e-12 of H, f being analytic as far as |x|. Observed: 1e-11 "
        "to 1e-7 of ν; no digit "
        "where the criterion has none.",
    ),
    Tolerance(
        "F tests of terms",
        "NumDF exactly; F: 2 s δs/q + 2 F max(δSE/SE), s² = qF, δs = Σ |δβ_j| |column j of (L vcov L')^-½ L|; DenDF "
        f"10 × {EVALUATION:g} of themselves; for engines that are not this project's, beside: of both what each entry "
        "of L that is not exact moves them by, off by 2 units of the 7th digit of the largest; of DenDF what "
        "differences for derivatives move each ν_i by, or, by Kenward and Roger, "
        f"{CRITERION:g} × (1/|1 − 2/ν| + |ν − 4|(|ν − 4| + q + 2)/((q + 2)ν)), and of F as much; p at their corners; "
        "harmless is an F that moves by 3 % of a standard error",
        "s is the length of the whitened Lβ, which moves no further than its parts. lmerTest rounds its hypotheses by "
        "zapsmall to seven digits, twice at most. Satterthwaite's ν of several rows rises with each ν_i: its ends are "
        "where all are at theirs. ν = 4 + (q + 2)/(qρ − 1): ρ rounded by r moves it by r qρ (ν − 4)²/(q + 2).",
    ),
    Tolerance(
        "profile intervals",
        f"2 δ/|dζ²/dv| of an end, δ the criterion's rounding, and {EVALUATION:g} of the width; for engines that are "
        f"not this project's, beside: 4 times what a spline loses, and the same for a δ of {EARLY:g}, or of what "
        "who centres nothing loses; harmless is 3 % of the width over 2z",
        "ζ² = z² is the rise above the least deviance: an error of both moves the root by that over its slope. lme4 "
        "takes ζ by a natural cubic spline through knots an eighth of the joint region of 0.99 apart, and back by "
        "cubics with the inverse slopes: the same is done with exact values of the profile, by two sets of knots; "
        "4 allows for knots that are two fifths farther apart, as the error goes with the fourth power. "
        "Each value of lme4's profile is a search of its own, which may stop early.",
    ),
    Tolerance(
        "Kenward and Roger beside ν = 2",
        f"{CRITERION:g}/|1 − 2/ν| of ν, for engines that are not this project's",
        "pbkrtest's ν has 1 − A₂/q in numerator and denominator, which is 1 − 2/ν for one row: at 2 it divides zero by "
        "zero, and the rounding of the traces is magnified by as much. That rounding is taken from what was "
        "seen where ν is not 2 (2e-12 at most on 37 models), not derived.",
    ),
    Tolerance(
        "X and Z",
        f"the same bits; computed columns (log, scale, polynomial contrasts): {MATRIX:g} relative",
        "Data and dummy columns are copied. A logarithm or a mean may differ by one unit in the last place (2e-16) "
        "per entry; orthogonal polynomials by some hundred.",
    ),
)
