// The unit's own place on the task watchdog's list: see watchdog.c.
export function restarted() {
  return native("xs_sealmeter_watchdog_restarted").call(this);
}
export function feed() {
  return native("xs_sealmeter_watchdog_feed").call(this);
}
