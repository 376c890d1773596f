// Entropy for keys from the chip's generator. Its output is only random while a noise source feeds it: the
// radio when it is on, else the SAR converter, which is switched on for the call (ESP-IDF, "Random Number
// Generation"). This file decides which, call by call; it keeps no state and never falls back to anything
// weaker. The unit's machine draws keys at provisioning and scalars at pairing, 64 bytes at a time.
#include "xsmc.h"
#include "xsHost.h"

#include "bootloader_random.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"

#include "radio.h"

static StaticSemaphore_t gStorage;
static SemaphoreHandle_t gLock;
static bool gRadioOn;

/** Before the first task but the main one runs: no race on the lock's making. */
__attribute__((constructor)) static void makeLock(void)
{
	gLock = xSemaphoreCreateMutexStatic(&gStorage);
}

void radioLock(void)
{
	xSemaphoreTake(gLock, portMAX_DELAY);
}

void radioUnlock(void)
{
	xSemaphoreGive(gLock);
}

void radioSetOn(bool isOn)
{
	gRadioOn = isOn;
}

void xs_sealmeter_entropy_fill(xsMachine *the)
{
	void *bytes;
	xsUnsignedValue length;

	xsmcGetBufferWritable(xsArg(0), &bytes, &length);
	radioLock();
	if (gRadioOn)
		esp_fill_random(bytes, length);
	else {
		bootloader_random_enable();
		esp_fill_random(bytes, length);
		bootloader_random_disable();
	}
	radioUnlock();
}
