# Writes the data sets that relmer carries: one CSV and one JSON metadata file each.
#
#   Rscript datasets/export.R OUTDIR
#
# The same packages always give the same bytes: no time, no path and no machine enters a file.
# NA is an empty field. `sha256` in the metadata is that of the CSV text, before any compression.
# Needs lme4, nlme, mlmRev, jsonlite and the command sha256sum.

library(jsonlite)

GZIP_ABOVE <- 200000 # bytes of CSV text

origins <- list(
  sleepstudy = list(
    package = "lme4",
    title = "Reaction times of 18 subjects on ten days of sleep deprivation",
    units = c(Reaction = "ms", Days = "days")
  ),
  Dyestuff = list(
    package = "lme4",
    title = "Yield of dyestuff from five preparations of each of six batches",
    units = c(Yield = "g")
  ),
  Dyestuff2 = list(
    package = "lme4",
    title = "Simulated yields in the layout of Dyestuff, without variation between batches",
    units = c()
  ),
  Penicillin = list(
    package = "lme4",
    title = "Growth inhibition by six penicillin samples on 24 plates",
    units = c(diameter = "mm")
  ),
  Pastes = list(
    package = "lme4",
    title = "Strength of a chemical paste: casks within batches",
    units = c()
  ),
  cake = list(
    package = "lme4",
    title = "Breaking angles of chocolate cakes of three recipes baked at six temperatures",
    units = c(angle = "degrees", temp = "degrees F")
  ),
  Machines = list(
    package = "nlme",
    title = "Productivity scores of six workers on three machines",
    units = c()
  ),
  Rail = list(
    package = "nlme",
    title = "Travel times of ultrasonic waves in six railway rails",
    units = c(travel = "ns")
  ),
  ergoStool = list(
    package = "nlme",
    title = "Effort of nine subjects to rise from four types of stool",
    units = c(effort = "Borg scale")
  ),
  Oats = list(
    package = "nlme",
    title = "Yield of oats in a split-plot experiment: varieties within blocks, nitrogen within varieties",
    units = c(nitro = "cwt/acre", yield = "bushels/acre")
  ),
  Orthodont = list(
    package = "nlme",
    title = "Growth of the distance from pituitary to pterygomaxillary fissure in 27 children",
    units = c(distance = "mm", age = "years")
  ),
  Pixel = list(
    package = "nlme",
    title = "Pixel intensities of lymph nodes on both sides of ten dogs, after a contrast was injected",
    units = c(day = "days")
  ),
  Oxide = list(
    package = "nlme",
    title = "Thickness of oxide layers: sites on wafers in lots",
    units = c()
  ),
  bdf = list(
    package = "mlmRev",
    title = "Language and arithmetic scores of 2287 Dutch pupils in 131 schools",
    units = c()
  ),
  star = list(
    package = "mlmRev",
    title = "Tennessee's Student Teacher Achievement Ratio (STAR) project, kindergarten to grade 3",
    units = c(exp = "years", yrs = "years")
  ),
  ScotsSec = list(
    package = "mlmRev",
    title = "Attainment of 3435 Scottish pupils by their primary and secondary schools",
    units = c()
  ),
  mtcars = list(
    package = "datasets",
    title = "Fuel consumption and design of 32 automobiles of 1973 and 1974",
    units = c(mpg = "mi/gal", disp = "in^3", hp = "hp", wt = "1000 lb", qsec = "s")
  )
)

fetch <- function(name, package) {
  shelf <- new.env()
  data(list = name, package = package, envir = shelf)
  frame <- as.data.frame(shelf[[name]])
  if (name == "mtcars") frame <- cbind(model = rownames(frame), frame)
  frame
}

column_type <- function(values) {
  if (is.ordered(values)) "ordered"
  else if (is.factor(values)) "factor"
  else if (is.logical(values)) "logical"
  else if (is.integer(values)) "integer"
  else if (is.numeric(values)) "numeric"
  else "string"
}

# The shortest of 15, 16 and 17 digits that reads back as the same double.
shortest <- function(values) {
  text <- sprintf("%.15g", values)
  for (format in c("%.16g", "%.17g")) {
    lost <- which(as.numeric(text) != values)
    text[lost] <- sprintf(format, values[lost])
  }
  text
}

quoted <- function(text) {
  special <- grepl("[\",\r\n]", text)
  text[special] <- paste0('"', gsub('"', '""', text[special], fixed = TRUE), '"')
  text
}

field <- function(values) {
  text <- if (is.double(values)) shortest(values)
    else if (is.integer(values)) sprintf("%d", values)
    else quoted(as.character(values))
  text[is.na(values)] <- ""
  text
}

csv <- function(frame) {
  header <- paste(quoted(names(frame)), collapse = ",")
  rows <- do.call(paste, c(lapply(unname(as.list(frame)), field), sep = ","))
  paste0(paste(c(header, rows), collapse = "\n"), "\n")
}

describe <- function(frame, units) {
  lapply(names(frame), function(column) {
    values <- frame[[column]]
    unit <- if (column %in% names(units)) units[[column]]
    list(name = column, type = column_type(values), levels = as.list(levels(values)), unit = unit)
  })
}

one_line <- function(value) toJSON(value, auto_unbox = TRUE, null = "null")

# One line for each entry and for each column: a change shows in a diff.
pretty_json <- function(meta) {
  meta <- lapply(meta, one_line)
  columns <- gsub("},{", "},\n    {", meta$columns, fixed = TRUE)
  meta$columns <- sub("]$", "\n  ]", sub("^\\[", "[\n    ", columns))
  paste0("{\n", paste0("  \"", names(meta), "\": ", meta, collapse = ",\n"), "\n}\n")
}

write_text <- function(text, connection) {
  open(connection, "wb")
  on.exit(close(connection))
  writeBin(charToRaw(enc2utf8(text)), connection)
}

sha256 <- function(text) {
  path <- tempfile()
  on.exit(unlink(path))
  write_text(text, file(path))
  substr(system2("sha256sum", shQuote(path), stdout = TRUE), 1, 64)
}

# The base packages state "Part of R", which is under GPL-2 | GPL-3.
licence <- function(package) {
  stated <- packageDescription(package)$License
  if (startsWith(stated, "Part of R")) "GPL-2 | GPL-3" else stated
}

export <- function(name, outdir) {
  origin <- origins[[name]]
  frame <- fetch(name, origin$package)
  text <- csv(frame)
  large <- nchar(text, "bytes") > GZIP_ABOVE
  file_name <- paste0(name, if (large) ".csv.gz" else ".csv")
  path <- file.path(outdir, file_name)
  # R's gzfile writes neither a name nor a time into the header.
  write_text(text, if (large) gzfile(path, compression = 9) else file(path))
  meta <- list(
    name = name,
    title = origin$title,
    source = list(package = origin$package, version = as.character(packageVersion(origin$package))),
    licence = licence(origin$package),
    script = "export.R",
    rows = nrow(frame),
    file = file_name,
    sha256 = sha256(text),
    columns = describe(frame, origin$units)
  )
  write_text(pretty_json(meta), file(file.path(outdir, paste0(name, ".json"))))
}

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 1) stop("usage: Rscript export.R OUTDIR", call. = FALSE)
dir.create(arguments[[1]], showWarnings = FALSE, recursive = TRUE)
for (name in names(origins)) export(name, arguments[[1]])
