// Lua in tokens: for colours, and for what is offered.

const KEYWORDS = new Set(["and", "break", "do", "else", "elseif", "end", "for", "function", "goto", "if", "in", "local",
  "not", "or", "repeat", "return", "then", "until", "while"]);
const CONSTANTS = new Set(["nil", "true", "false"]);
export const WORDS = [...KEYWORDS, ...CONSTANTS];

const TOKEN = new RegExp([
  /(?<comment>--\[(?<c>=*)\[[^]*?(?:\]\k<c>\]|$)|--[^\n]*)/,
  /(?<string>\[(?<s>=*)\[[^]*?(?:\]\k<s>\]|$)|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?)/,
  /(?<number>0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?(?:[uU]?[lL]{2})?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:[uU]?[lL]{2}|i)?)/,
  /(?<name>[A-Za-z_]\w*)/,
  /(?<space>\s+)/,
  /(?<other>\.{2,3}|[=~<>]=|::|[^])/,
].map((part) => part.source).join("|"), "gy");

/// The tokens of a text, all of it: `{ kind, text, start }`.
export function tokens(text) {
  const found = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const groups = match.groups;
    let kind = Object.keys(groups).find((name) => name.length > 1 && groups[name] !== undefined);
    if (kind === "name" && KEYWORDS.has(match[0])) kind = "keyword";
    if (kind === "name" && CONSTANTS.has(match[0])) kind = "constant";
    found.push({ kind, text: match[0], start: match.index });
  }
  return found;
}

const TABLES = new Set(["kong", "ngx", "string", "table", "math", "os", "io", "bit", "coroutine", "jit", "require"]);

/// What a token is coloured as.
export function colour(list, i) {
  const { kind, text } = list[i];
  if (kind !== "name") return kind === "space" ? "" : kind;
  const before = list[i - 1]?.text;
  if (before !== "." && before !== ":" && TABLES.has(text)) return "library";
  let next = i + 1;
  while (list[next]?.kind === "space") next += 1;
  return list[next]?.text === "(" || (list[next]?.kind === "string") ? "call" : "";
}

/// Line and column, from 1, of an offset; the column counts characters.
export function place(text, offset) {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: [...before.at(-1)].length + 1 };
}

/// The offset of a line and a column.
export function offset(text, line, column) {
  const lines = text.split("\n");
  const own = lines[line - 1];
  if (own === undefined) return text.length;
  const start = lines.slice(0, line - 1).reduce((length, one) => length + one.length + 1, 0);
  return start + [...own].slice(0, column - 1).join("").length;
}
