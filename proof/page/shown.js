// How values and times are shown; exact, without a floating number.

const SYMBOLS = { 4: "d", 5: "h", 6: "min", 7: "s", 9: "°C", 13: "m³", 15: "m³/h", 27: "W", 28: "VA", 29: "var" };
const ENERGY = { 30: "kWh", 31: "kVAh", 32: "kvarh" };
const MORE = { 33: "A", 35: "V", 44: "Hz", 255: "" };
const KILO = 3;

/** `value` times ten to the `scaler`, in the language's own way of writing. */
export function quantity({ value, scaler, unit }, language) {
  const energy = ENERGY[unit];
  const exponent = energy === undefined ? scaler : scaler - KILO;
  const symbol = energy ?? SYMBOLS[unit] ?? MORE[unit] ?? "";
  return `${decimal(value, exponent, language)} ${symbol}`.trim();
}

export function decimal(value, exponent, language) {
  const digits = (value < 0n ? -value : value).toString() + "0".repeat(Math.max(exponent, 0));
  const places = Math.max(-exponent, 0);
  const padded = digits.padStart(places + 1, "0");
  const whole = BigInt(padded.slice(0, padded.length - places)).toLocaleString(language);
  const fraction = padded.slice(padded.length - places);
  const point = (1.5).toLocaleString(language).charAt(1);
  return `${value < 0n ? "−" : ""}${whole}${fraction === "" ? "" : point + fraction}`;
}

/** An instant as text or seconds, in the time that the meter's clock on the wall shows. */
export function moment(instant, language) {
  const date = new Date(typeof instant === "number" ? instant * 1000 : instant);
  return new Intl.DateTimeFormat(language, {
    dateStyle: "medium",
    timeStyle: "long",
    timeZone: "Europe/Berlin",
  }).format(date);
}
