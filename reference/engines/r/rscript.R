# R as a plain process. Each line of standard input is a number and a call of one of lme4.R's functions, whose text is
# the first; each answer is a line of standard output behind a mark that nothing else prints, and that number. Doubles
# and integers travel as their bits, little-endian, in base64: NA, NaN and infinities with them.

functions <- new.env()

value_of <- function(sent) {
  part <- sent[[1L]]
  switch(names(sent)[[1L]],
    doubles = numbers_of(part, "double", 8L),
    integers = numbers_of(part, "integer", 4L),
    logicals = as.logical(numbers_of(part, "integer", 4L)),
    texts = vapply(part, function(text) if (is.null(text)) NA_character_ else text, "", USE.NAMES = FALSE),
    entries = lapply(part, value_of),
    call = do.call(functions[[part]], lapply(sent$arguments, value_of), quote = TRUE)
  )
}

numbers_of <- function(text, kind, size) {
  bits <- jsonlite::base64_dec(text)
  readBin(bits, kind, length(bits) %/% size, endian = "little")
}

json_of <- function(value) {
  if (is.null(value)) return("null")
  if (is.list(value)) {
    parts <- vapply(value, json_of, "")
    if (is.null(names(value))) return(paste0("[", paste(parts, collapse = ","), "]"))
    return(paste0("{", paste(json_texts(names(value)), parts, sep = ":", collapse = ","), "}"))
  }
  switch(typeof(value),
    double = bits_of("doubles", as.double(value)),
    integer = bits_of("integers", as.integer(value)),
    character = paste0("[", paste(json_texts(value), collapse = ","), "]"),
    stop(sprintf("R returned a value of type '%s', which has no plain form", typeof(value)))
  )
}

bits_of <- function(kind, numbers) {
  bits <- jsonlite::base64_enc(writeBin(numbers, raw(), endian = "little"))
  paste0('{"', kind, '":"', gsub("\n", "", bits, fixed = TRUE), '"}')
}

json_texts <- function(texts) {
  one <- function(text) if (is.na(text)) "null" else as.character(jsonlite::toJSON(text, auto_unbox = TRUE))
  vapply(enc2utf8(as.character(texts)), one, "", USE.NAMES = FALSE)
}

# Limits hold here too, where ending the process that speaks with R does not end R. R's own folder of temporary files is
# not used: one that is killed leaves none behind.
begin <- function(message) {
  suppressWarnings(Sys.setlocale("LC_ALL", "C.UTF-8"))
  Sys.setlocale("LC_COLLATE", "C")
  library("splines")
  if (exists("mem.maxVSize")) mem.maxVSize(message$megabytes)
  unlink(tempdir(), recursive = TRUE)
  eval(parse(text = message$source, keep.source = FALSE, encoding = "UTF-8"), functions)
  NULL
}

carried_out <- function(line) {
  message <- jsonlite::fromJSON(line, simplifyVector = FALSE)
  if ("source" %in% names(message)) return(begin(message))
  on.exit(setTimeLimit())
  setTimeLimit(elapsed = message$seconds)
  value_of(message)
}

serve <- function(mark) {
  able <- requireNamespace("jsonlite", quietly = TRUE)
  refused <- function(condition) paste0('{"error":', json_texts(conditionMessage(condition)), "}")
  repeat {
    line <- readLines(stdin(), n = 1L)
    if (!length(line)) break
    number <- sub(" .*", "", line)
    reply <- if (able) {
      call <- substr(line, nchar(number) + 2L, nchar(line))
      tryCatch(paste0('{"value":', json_of(carried_out(call)), "}"), error = refused)
    } else {
      '{"error":"R has no package jsonlite: install it there"}'
    }
    writeLines(c("", paste(mark, number, reply)), useBytes = TRUE)
    flush(stdout())
  }
}
