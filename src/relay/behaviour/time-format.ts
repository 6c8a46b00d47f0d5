// %START_TIME(format)%: strftime's directives in UTC, with Envoy's additions for parts of a second
// (source/common/common/utility.cc, DateFormatter).

const isoMilliseconds = "%Y-%m-%dT%H:%M:%S.%3fZ";
const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

/** "" = Envoy's default. What isn't a directive that is known here stays as it is. */
export function formatTime(epochMs: number, format: string): string {
  const time = new Date(epochMs);
  return (format === "" ? isoMilliseconds : format).replace(
    /%(?:([1-9])?([fs])|E([0-9*])S|([a-zA-Z%]))/g,
    (whole, digits: string | undefined, part: string | undefined, precise: string | undefined, directive: string) => {
      // Envoy takes a width before s too, and pays no heed to it.
      if (part === "s") return String(Math.floor(epochMs / 1000));
      if (part === "f") return fraction(time, Number(digits ?? 9));
      if (precise !== undefined) return preciseSeconds(time, precise);
      return directiveText(time, directive) ?? whole;
    },
  );
}

function directiveText(time: Date, directive: string): string | undefined {
  switch (directive) {
    case "Y":
      return String(time.getUTCFullYear());
    case "C":
      return two(Math.floor(time.getUTCFullYear() / 100));
    case "y":
      return two(time.getUTCFullYear() % 100);
    case "m":
      return two(time.getUTCMonth() + 1);
    case "d":
      return two(time.getUTCDate());
    case "e":
      return String(time.getUTCDate()).padStart(2);
    case "H":
      return two(time.getUTCHours());
    case "I":
      return two(time.getUTCHours() % 12 || 12);
    case "M":
      return two(time.getUTCMinutes());
    case "S":
      return two(time.getUTCSeconds());
    case "p":
      return time.getUTCHours() < 12 ? "AM" : "PM";
    case "j":
      return String(dayOfYear(time)).padStart(3, "0");
    case "A":
      return days[time.getUTCDay()];
    case "a":
      return days[time.getUTCDay()]?.slice(0, 3);
    case "B":
      return months[time.getUTCMonth()];
    case "b":
    case "h":
      return months[time.getUTCMonth()]?.slice(0, 3);
    case "u":
      return String(time.getUTCDay() || 7);
    case "w":
      return String(time.getUTCDay());
    case "D":
      return formatTime(time.getTime(), "%m/%d/%y");
    case "F":
      return formatTime(time.getTime(), "%Y-%m-%d");
    case "T":
      return formatTime(time.getTime(), "%H:%M:%S");
    case "R":
      return formatTime(time.getTime(), "%H:%M");
    case "Z":
      return "UTC";
    case "z":
      return "+0000";
    case "n":
      return "\n";
    case "t":
      return "\t";
    case "%":
      return "%";
    default:
      return undefined;
  }
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** Milliseconds are what is measured: further digits are zero. */
function fraction(time: Date, digits: number): string {
  return String(time.getUTCMilliseconds()).padStart(3, "0").padEnd(9, "0").slice(0, digits);
}

function preciseSeconds(time: Date, digits: string): string {
  const seconds = two(time.getUTCSeconds());
  if (digits === "0") return seconds;
  const part = digits === "*" ? fraction(time, 3).replace(/0+$/, "") : fraction(time, Number(digits));
  return part === "" ? seconds : `${seconds}.${part}`;
}

function dayOfYear(time: Date): number {
  return (
    (Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate()) - Date.UTC(time.getUTCFullYear(), 0, 0)) /
    86_400_000
  );
}
