// Records of mains cycles from the chip's own converter: see waveform.c.

/** A second and more: what is queued beyond that waits for the next call, and the heap stays small. */
const CYCLES_AT_ONCE = 70;

export class WaveformInput extends Native("xs_sealmeter_waveform_destructor") {
  constructor(rate_Hz, pins) {
    super();
    native("xs_sealmeter_waveform").call(this, rate_Hz, pins);
  }
  read() {
    const cycles = [];
    while (cycles.length < CYCLES_AT_ONCE) {
      const sums = [];
      if (!native("xs_sealmeter_waveform_take").call(this, sums)) break;
      const lost = sums.pop();
      const samples = sums.pop();
      cycles.push({ samples, lost, sums });
    }
    return cycles;
  }
  close() {
    return native("xs_sealmeter_waveform_close").call(this);
  }
}
