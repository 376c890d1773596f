// The Wi-Fi station: see station.c.
export function join(ssid, password) {
  return native("xs_sealmeter_station_join").call(this, ssid, password);
}
export function isOnline() {
  return native("xs_sealmeter_station_is_online").call(this);
}
