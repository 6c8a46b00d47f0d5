// Columns of text, aligned; numbers to the right.

export function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((text, i) =>
    Math.max(...[text, ...rows.map((row) => row[i] ?? "")].map((cell) => cell.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isNumber(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return `\n${title}\n${[head, ...rows].map(line).join("\n")}\n`;
}

function isNumber(text: string): boolean {
  return /^[\d.]+$/.test(text);
}
