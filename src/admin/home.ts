// The list of routes at /, for a browser and for curl, from the table itself.
import type { Parameter, Route } from "./route.ts";

export function formatHome(routes: readonly Route[]): string {
  const lines = routes.map((route) => ({ ask: `${route.method} ${route.path}`, ...route }));
  const width = Math.max(...lines.map(({ ask }) => ask.length));
  const text = lines.map(({ ask, summary, parameters }) =>
    [
      `${ask.padEnd(width)}  ${summary}`,
      ...parameters.map((one) => `${" ".repeat(width)}    ${formatParameter(one)}`),
    ].join("\n"),
  );
  return `kmesh-edge admin API\n\n${text.join("\n")}\n`;
}

export function renderHome(routes: readonly Route[]): string {
  const rows = routes.map(({ method, path, summary, parameters }) => {
    const name = method === "GET" ? `<a href="${escapeHtml(path)}">${escapeHtml(path)}</a>` : escapeHtml(path);
    const notes = parameters.map((one) => `<br><code>${escapeHtml(formatParameter(one))}</code>`).join("");
    return `<tr><td>${method}</td><td>${name}</td><td>${escapeHtml(summary)}${notes}</td></tr>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>kmesh-edge</title><style>
body { font-family: sans-serif; margin: 2rem } td { padding: 0.2rem 1rem 0.2rem 0; vertical-align: top }
</style></head><body><h1>kmesh-edge admin API</h1><table>
${rows.join("\n")}
</table></body></html>
`;
}

function formatParameter({ name, summary, values, isFlag, isRequired }: Parameter): string {
  const value = isFlag === true ? "" : `=${values?.join("|") ?? "…"}`;
  return `?${name}${value}  ${summary}${isRequired === true ? " (required)" : ""}`;
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
