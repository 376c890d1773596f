// Who may use the analogue part now: the radio, or the noise source that stands in for it (entropy.c). The two
// exclude each other in hardware.
#ifndef SEALMETER_RADIO_H
#define SEALMETER_RADIO_H

#include <stdbool.h>

/** Takes the analogue part, and waits while somebody else has it: the start of the radio, some 100 ms. */
void radioLock(void);
void radioUnlock(void);

/** Says that the radio is on from now on, or off; call it with the lock taken. */
void radioSetOn(bool isOn);

/** Makes the network interface, once; false when it cannot be made. The radio stays off. */
bool stationPrepare(void);

#endif
