// The log: one JSON object a line, a level that can change while the agent runs, and nowhere to write but what it is given.

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export class Log {
  level: LogLevel;
  readonly #write: (line: string) => void;
  readonly #now: () => Date;

  constructor(level: LogLevel, write: (line: string) => void, now: () => Date) {
    this.level = level;
    this.#write = write;
    this.#now = now;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#log("error", message, fields);
  }

  #log(level: LogLevel, message: string, fields: LogFields): void {
    if (logLevels.indexOf(level) < logLevels.indexOf(this.level)) return;
    this.#write(`${JSON.stringify({ time: this.#now().toISOString(), level, message, ...fields })}\n`);
  }
}

export function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text);
}
