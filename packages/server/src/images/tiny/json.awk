# Flattens a JSON document into lines `path<TAB>value`, path members joined by `/`, scalars only.
# Exits 1 when the text is not JSON. Tabs, newlines and non-ASCII escapes in strings become spaces.
{ text = text $0 "\n" }

END {
  at = 1
  blank()
  parse("")
  blank()
  if (failed || at <= length(text)) exit 1
}

function blank() { while (substr(text, at, 1) ~ /[ \t\r\n]/ && at <= length(text)) at++ }

function member(path, name) { return path == "" ? name : path "/" name }

function parse(path,    c, rest) {
  if (failed || ++depth > 32) { failed = 1; return }
  c = substr(text, at, 1)
  if (c == "{") object(path)
  else if (c == "[") list(path)
  else if (c == "\"") printf "%s\t%s\n", path, string()
  else {
    rest = substr(text, at, 40)
    if (match(rest, /^(true|false|null|-?[0-9][0-9.eE+-]*)/)) {
      printf "%s\t%s\n", path, substr(rest, 1, RLENGTH)
      at += RLENGTH
    } else failed = 1
  }
  depth--
}

function object(path,    name) {
  at++
  blank()
  if (substr(text, at, 1) == "}") { at++; return }
  while (!failed) {
    blank()
    if (substr(text, at, 1) != "\"") { failed = 1; return }
    name = string()
    blank()
    if (substr(text, at++, 1) != ":") { failed = 1; return }
    blank()
    parse(member(path, name))
    if (closed("}")) return
  }
}

function list(path,    n) {
  at++
  blank()
  if (substr(text, at, 1) == "]") { at++; return }
  for (n = 0; !failed; n++) {
    blank()
    parse(member(path, n))
    if (closed("]")) return
  }
}

function closed(mark,    c) {
  blank()
  c = substr(text, at++, 1)
  if (c == mark) return 1
  if (c != ",") failed = 1
  return failed
}

function string(    c, value) {
  value = ""
  for (at++; at <= length(text); at++) {
    c = substr(text, at, 1)
    if (c == "\"") { at++; return value }
    if (c == "\\") {
      c = substr(text, ++at, 1)
      if (c == "u") { at += 4; c = " " }
      else if (c ~ /[bfnrt]/) c = " "
    }
    if (c ~ /[\t\n\r]/) c = " "
    value = value c
  }
  failed = 1
  return value
}
