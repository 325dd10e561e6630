import type { Weather } from "../lib/client_tools";

/** The quickstart's example of a function: what it was asked and what it answered, as a person reads it. */
export function WeatherWidget({ weather }: { weather: Weather }) {
  return (
    <section className="turn weather" aria-label={weather.location}>
      <b>{weather.location}</b>
      <span className="degrees">
        {weather.temperature}°{weather.unit}
      </span>
      <span>{weather.conditions}</span>
    </section>
  );
}
