// Counts pulses and contacts while JavaScript is busy with a signature or the flash with an erase. S0 outputs
// (open collector to ground, pulses of 30 ms or more) are counted by the chip's pulse counter: falling edges, a
// glitch filter, and a count that the driver carries on beyond the 16 bits of the hardware. Where there is no
// such hardware (ESP32-C3), and for contacts, which bounce, an interrupt in RAM counts lows of 10 ms or more.
// Counts overflow at 2^32 and are never set.
#include "xsmc.h"
#include "xsHost.h"

#include "driver/gpio.h"
#include "esp_attr.h"
#include "esp_intr_alloc.h"
#include "esp_timer.h"
#include "hal/gpio_ll.h"
#include "soc/soc_caps.h"
#if SOC_PCNT_SUPPORTED
	#include "driver/pulse_cnt.h"
#endif

/** Where the hardware's count begins again; the driver accumulates it there. */
#define COUNT_LIMIT 30000
/** Longest glitch that the hardware of every chip filters. */
#define GLITCH_NS 10000
/** Shortest low that the interrupt counts. */
#define LOW_MIN_US 10000

typedef struct {
#if SOC_PCNT_SUPPORTED
	pcnt_unit_handle_t unit;
	pcnt_channel_handle_t channel;
#endif
	/** Of the interrupt; -1 if the hardware counts. */
	int pin;
	volatile uint32_t count;
	/** When the low began, us; 0 while the pin is high. */
	int64_t low_us;
} PulseRecord;

/** In RAM with all that it calls, so that it runs while the flash is busy. An edge that is missed costs one count. */
static void IRAM_ATTR onEdge(void *argument)
{
	PulseRecord *pulse = argument;
	int64_t now_us = esp_timer_get_time();

	if (!gpio_ll_get_level(&GPIO, pulse->pin)) {
		if (pulse->low_us == 0)
			pulse->low_us = now_us;
		return;
	}
	if (pulse->low_us != 0 && now_us - pulse->low_us >= LOW_MIN_US)
		pulse->count = pulse->count + 1;
	pulse->low_us = 0;
}

void xs_sealmeter_pulse_destructor(void *data)
{
	PulseRecord *pulse = data;

	if (!pulse)
		return;
	if (pulse->pin >= 0)
		gpio_isr_handler_remove(pulse->pin);
#if SOC_PCNT_SUPPORTED
	if (pulse->unit) {
		pcnt_unit_stop(pulse->unit);
		pcnt_unit_disable(pulse->unit);
	}
	if (pulse->channel)
		pcnt_del_channel(pulse->channel);
	if (pulse->unit)
		pcnt_del_unit(pulse->unit);
#endif
	c_free(pulse);
}

/** Counts by interrupt. The service must be ours alone: a handler in flash would crash while the flash is busy. */
static esp_err_t startInterrupt(PulseRecord *pulse, int pin)
{
	static bool isInstalled = false;
	gpio_config_t config = {
		.pin_bit_mask = 1ULL << pin,
		.mode = GPIO_MODE_INPUT,
		.pull_up_en = GPIO_PULLUP_ENABLE,
		.intr_type = GPIO_INTR_ANYEDGE,
	};
	esp_err_t error;

	if (!isInstalled) {
		if ((error = gpio_install_isr_service(ESP_INTR_FLAG_IRAM)) != ESP_OK)
			return error;
		isInstalled = true;
	}
	if ((error = gpio_config(&config)) != ESP_OK)
		return error;
	pulse->pin = pin;
	return gpio_isr_handler_add(pin, onEdge, pulse);
}

/** Counts by hardware, where there is some. On failure the record says what the destructor has to undo. */
static esp_err_t startCounter(PulseRecord *pulse, int pin)
{
#if SOC_PCNT_SUPPORTED
	pcnt_unit_config_t unit = { .low_limit = -COUNT_LIMIT, .high_limit = COUNT_LIMIT };
	pcnt_chan_config_t channel = { .edge_gpio_num = pin, .level_gpio_num = -1 };
	pcnt_glitch_filter_config_t filter = { .max_glitch_ns = GLITCH_NS };
	esp_err_t error;

	unit.flags.accum_count = 1;
	if ((error = pcnt_new_unit(&unit, &pulse->unit)) != ESP_OK)
		return error;
	if ((error = pcnt_unit_set_glitch_filter(pulse->unit, &filter)) != ESP_OK)
		return error;
	if ((error = pcnt_new_channel(pulse->unit, &channel, &pulse->channel)) != ESP_OK)
		return error;
	error = pcnt_channel_set_edge_action(pulse->channel, PCNT_CHANNEL_EDGE_ACTION_HOLD,
		PCNT_CHANNEL_EDGE_ACTION_INCREASE);
	if (error != ESP_OK)
		return error;
	// The driver accumulates at watch points only.
	if ((error = pcnt_unit_add_watch_point(pulse->unit, COUNT_LIMIT)) != ESP_OK)
		return error;
	if ((error = pcnt_unit_enable(pulse->unit)) != ESP_OK)
		return error;
	if ((error = pcnt_unit_clear_count(pulse->unit)) != ESP_OK)
		return error;
	return pcnt_unit_start(pulse->unit);
#else
	return startInterrupt(pulse, pin);
#endif
}

static void construct(xsMachine *the, esp_err_t (*start)(PulseRecord *pulse, int pin))
{
	int pin = xsmcToInteger(xsArg(0));
	PulseRecord *pulse;

	if (!GPIO_IS_VALID_GPIO(pin))
		xsRangeError("no such pin");
	pulse = c_calloc(1, sizeof(PulseRecord));
	if (!pulse)
		xsUnknownError("no memory for a counter");
	pulse->pin = -1;
	if (start(pulse, pin) != ESP_OK) {
		xs_sealmeter_pulse_destructor(pulse);
		xsUnknownError("no counter for the pin");
	}
	xsmcSetHostData(xsThis, pulse);
}

void xs_sealmeter_pulse(xsMachine *the)
{
	construct(the, startCounter);
}

void xs_sealmeter_contact(xsMachine *the)
{
	construct(the, startInterrupt);
}

void xs_sealmeter_pulse_read(xsMachine *the)
{
	PulseRecord *pulse = xsmcGetHostDataValidate(xsThis, xs_sealmeter_pulse_destructor);
	uint32_t count = pulse->count;

#if SOC_PCNT_SUPPORTED
	int counted;

	if (pulse->pin < 0) {
		if (pcnt_unit_get_count(pulse->unit, &counted) != ESP_OK)
			xsUnknownError("the counter cannot be read");
		count = (uint32_t)counted;
	}
#endif
	xsmcSetNumber(xsResult, (double)count);
}

void xs_sealmeter_pulse_close(xsMachine *the)
{
	if (!xsmcGetHostData(xsThis))
		return;
	xs_sealmeter_pulse_destructor(xsmcGetHostDataValidate(xsThis, xs_sealmeter_pulse_destructor));
	xsmcSetHostData(xsThis, NULL);
	xsmcSetHostDestructor(xsThis, NULL);
}
