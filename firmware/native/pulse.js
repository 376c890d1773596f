// Pulses and contacts counted while JavaScript is busy: see pulse.c.
export class PulseCounter extends Native("xs_sealmeter_pulse_destructor") {
  constructor(pin) {
    super();
    native("xs_sealmeter_pulse").call(this, pin);
  }
  read() {
    return native("xs_sealmeter_pulse_read").call(this);
  }
  close() {
    return native("xs_sealmeter_pulse_close").call(this);
  }
}

export class ContactCounter extends Native("xs_sealmeter_pulse_destructor") {
  constructor(pin) {
    super();
    native("xs_sealmeter_contact").call(this, pin);
  }
  read() {
    return native("xs_sealmeter_pulse_read").call(this);
  }
  close() {
    return native("xs_sealmeter_pulse_close").call(this);
  }
}
