// Columns of text, aligned, without colours or borders: readable on a terminal, and by awk.

/** Two spaces between columns; the last column is as long as it is. Nothing for no rows. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const lines = [header, ...rows].map((line) => line.map(printable));
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, i) => (i === line.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Indents every line. */
export function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

/** Names come from outside: one that holds a line feed or an escape sequence must not reach the terminal as such. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
}
