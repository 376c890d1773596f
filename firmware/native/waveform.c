// Voltages and currents from the chip's own converter, gapless: ESP-IDF's continuous driver has DMA fill a pool, a task
// of its own makes frames of what is in it and feeds the accumulator (accumulator.c), and JavaScript takes the records
// of cycles that are queued for it. This file knows pins, conversions and lost ones; it adds nothing up. One converter
// serves all channels, one after the other: a frame's codes are a conversion apart, which is a phase that the trusted
// unit's calibration takes out.
#include "xsmc.h"
#include "xsHost.h"
#include "mc.xs.h"

#include "esp_adc/adc_continuous.h"
#include "esp_attr.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include "accumulator.h"

#if CONFIG_IDF_TARGET_ESP32
	/** Conversions a second that the chip can do (ESP-IDF v6.0, ADC_LL_SAMPLE_FREQ_THRES_*). */
	#define CONVERSIONS_HZ_MIN 20000
	#define CONVERSIONS_HZ_MAX 2000000
	#define CHANNEL_OF(result) ((result)->type1.channel)
	#define CODE_OF(result) ((result)->type1.data)
#else
	#define CONVERSIONS_HZ_MIN 611
	#define CONVERSIONS_HZ_MAX 83333
	#define CHANNEL_OF(result) ((result)->type2.channel)
	#define CODE_OF(result) ((result)->type2.data)
#endif

#define CHANNELS_MAX (2 * ACCUMULATOR_ELEMENTS_MAX)
/** Of the converter: its results name one in 4 bits. */
#define CONVERTER_CHANNELS 16
#define NO_PLACE 0xff
/** Half of 12 bits: where a sensor's circuit has its zero. */
#define MIDDLE 2048
/** Conversions of a channel that are added up for one sample at most: 16 of 12 bits fill 16 bits. */
#define CONVERSIONS_MAX 16
/** Frames that the driver hands over, or drops, at once: 8 ms at 4 kHz. */
#define BLOCK_FRAMES 32
/** Taken out of the pool at once. */
#define RAW_WORDS 256
/** What the pool holds: an erase of the flash, in which no task runs, takes 45 ms typically and 400 at worst. */
#define POOL_MS 200
/** Above every machine's: it works for some microseconds in each block, and what it misses is energy. */
#define TASK_PRIORITY 10
#define TASK_STACK_BYTES 3072
/** The longest wait for a block, which is also how soon the task can be ended. */
#define READ_MS_MAX 50
#define STOP_STEPS 20

typedef struct {
	adc_continuous_handle_t adc;
	bool isStarted;
	TaskHandle_t task;
	volatile bool stopping;
	volatile bool isParked;
	/** For the accumulator, which the task feeds and JavaScript empties. */
	SemaphoreHandle_t lock;
	Accumulator accumulator;
	int64_t *queue;

	uint32_t rate_Hz;
	uint32_t channels;
	/** Conversions of each channel in a sample, and of all in a frame. */
	uint32_t perSample;
	uint32_t perFrame;
	/** By the converter's channels, their places in a frame. */
	uint8_t places[CONVERTER_CHANNELS];

	/** The frame in the making. */
	int32_t sums[CHANNELS_MAX];
	uint32_t conversions;
	/** Whether neighbours change places, which the first conversion after a start tells: the ESP32's DMA may do that. */
	bool isOrderKnown;
	bool isSwapped;
	/** Blocks that the accumulator knows to be lost. */
	uint32_t dropped;
	int16_t frames[BLOCK_FRAMES * CHANNELS_MAX];
	uint32_t framesMade;
	/** Aligned for results of 2 and of 4 bytes. */
	uint32_t raw[RAW_WORDS];
} Waveform;

/** There is one converter. */
static Waveform *gWaveform;
/** Blocks that found no room in the pool, modulo 2^32. In internal RAM, as the interrupt runs while the flash is busy. */
static volatile uint32_t gDropped;

static bool IRAM_ATTR onPoolFull(adc_continuous_handle_t adc, const adc_continuous_evt_data_t *event, void *argument)
{
	(void)adc;
	(void)event;
	(void)argument;
	gDropped = gDropped + 1;
	return false;
}

static void feed(Waveform *waveform)
{
	xSemaphoreTake(waveform->lock, portMAX_DELAY);
	accumulatorFeed(&waveform->accumulator, waveform->frames, waveform->framesMade);
	xSemaphoreGive(waveform->lock);
	waveform->framesMade = 0;
}

/** What was made before is fed before: the loss is at its place. */
static void lose(Waveform *waveform, uint32_t frames)
{
	feed(waveform);
	xSemaphoreTake(waveform->lock, portMAX_DELAY);
	accumulatorLose(&waveform->accumulator, frames);
	xSemaphoreGive(waveform->lock);
}

static void beginFrame(Waveform *waveform)
{
	uint32_t place;

	for (place = 0; place < waveform->channels; place++)
		waveform->sums[place] = 0;
	waveform->conversions = 0;
}

static void endFrame(Waveform *waveform)
{
	int16_t *frame = waveform->frames + waveform->framesMade * waveform->channels;
	uint32_t place;

	for (place = 0; place < waveform->channels; place++)
		frame[place] = (int16_t)(waveform->sums[place] - MIDDLE * (int32_t)waveform->perSample);
	if (++waveform->framesMade == BLOCK_FRAMES)
		feed(waveform);
	beginFrame(waveform);
}

/** @returns false if it is not the one that comes next: a conversion is missing or too many, and the order is lost. */
static bool takeConversion(Waveform *waveform, uint32_t channel, uint32_t code)
{
	const uint32_t place = waveform->places[channel % CONVERTER_CHANNELS];

	if (!waveform->isOrderKnown) {
		waveform->isSwapped = place == 1;
		waveform->isOrderKnown = true;
	}
	if (place != (waveform->conversions % waveform->channels ^ waveform->isSwapped))
		return false;
	waveform->sums[place] += (int32_t)code;
	if (++waveform->conversions == waveform->perFrame)
		endFrame(waveform);
	return true;
}

/** @returns false when the rest is of no use. */
static bool takeBlock(Waveform *waveform, uint32_t length)
{
	const adc_digi_output_data_t *result = (const adc_digi_output_data_t *)waveform->raw;
	uint32_t left;

	for (left = length / sizeof(*result); left > 0; left--, result++)
		if (!takeConversion(waveform, CHANNEL_OF(result), CODE_OF(result)))
			return false;
	return true;
}

/**
 * Begins again, with the first channel: a voltage and a current of two different scans would be a phase that nobody
 * calibrated. @param lost_ms what was in the pool; the pause here is lost besides.
 */
static void restart(Waveform *waveform, uint32_t lost_ms)
{
	adc_continuous_stop(waveform->adc);
	vTaskDelay(pdMS_TO_TICKS(READ_MS_MAX));
	adc_continuous_flush_pool(waveform->adc);
	lose(waveform, waveform->rate_Hz * (lost_ms + READ_MS_MAX) / 1000);
	beginFrame(waveform);
	waveform->isOrderKnown = false;
	// If it fails, so does reading, and that is tried again after a while.
	adc_continuous_start(waveform->adc);
}

static void runWaveform(void *argument)
{
	Waveform *waveform = argument;

	while (!waveform->stopping) {
		uint32_t length = 0;
		const esp_err_t error = adc_continuous_read(waveform->adc, (uint8_t *)waveform->raw, sizeof(waveform->raw),
			&length, READ_MS_MAX);
		const uint32_t dropped = gDropped;

		if (error == ESP_OK && !takeBlock(waveform, length))
			restart(waveform, POOL_MS);
		else if (error != ESP_OK && error != ESP_ERR_TIMEOUT)
			restart(waveform, 0);
		// Blocks are dropped whole, so frames stay in step; where in the pool the gap is, is not known.
		if (dropped != waveform->dropped) {
			lose(waveform, (dropped - waveform->dropped) * BLOCK_FRAMES);
			waveform->dropped = dropped;
		}
	}
	waveform->isParked = true;
	while (true)
		vTaskSuspend(NULL);
}

void xs_sealmeter_waveform_destructor(void *data)
{
	Waveform *waveform = data;
	int step;

	if (!waveform)
		return;
	waveform->stopping = true;
	for (step = 0; waveform->task && step < STOP_STEPS && !waveform->isParked; step++)
		vTaskDelay(pdMS_TO_TICKS(READ_MS_MAX));
	if (waveform->task)
		vTaskDelete(waveform->task);
	if (waveform->isStarted)
		adc_continuous_stop(waveform->adc);
	if (waveform->adc)
		adc_continuous_deinit(waveform->adc);
	if (waveform->lock)
		vSemaphoreDelete(waveform->lock);
	c_free(waveform->queue);
	c_free(waveform);
	gWaveform = NULL;
}

/** Voltage, current, voltage ... as pins. @returns false if one cannot be converted, or stands there twice. */
static bool findChannels(xsMachine *the, Waveform *waveform, adc_digi_pattern_config_t *pattern)
{
	uint32_t place;

	c_memset(waveform->places, NO_PLACE, sizeof(waveform->places));
	for (place = 0; place < waveform->channels; place++) {
		adc_unit_t unit;
		adc_channel_t channel;

		xsmcGetIndex(xsVar(0), xsArg(1), place);
		// The second converter is the radio's.
		if (adc_continuous_io_to_channel(xsmcToInteger(xsVar(0)), &unit, &channel) != ESP_OK || unit != ADC_UNIT_1)
			return false;
		if ((uint32_t)channel >= CONVERTER_CHANNELS || waveform->places[channel] != NO_PLACE)
			return false;
		waveform->places[channel] = (uint8_t)place;
		pattern[place].atten = ADC_ATTEN_DB_12;
		pattern[place].channel = (uint8_t)channel;
		pattern[place].unit = ADC_UNIT_1;
		pattern[place].bit_width = ADC_BITWIDTH_12;
	}
	return true;
}

/** As few conversions as the chip allows. @returns false if it allows no number. */
static bool findConversions(Waveform *waveform)
{
	const uint32_t once_Hz = waveform->rate_Hz * waveform->channels;

	waveform->perSample = 1;
	while (once_Hz * waveform->perSample < CONVERSIONS_HZ_MIN && waveform->perSample < CONVERSIONS_MAX)
		waveform->perSample *= 2;
	waveform->perFrame = waveform->perSample * waveform->channels;
	return once_Hz * waveform->perSample >= CONVERSIONS_HZ_MIN && once_Hz * waveform->perSample <= CONVERSIONS_HZ_MAX;
}

/** What fails leaves the rest to the destructor. The format of the results follows from the chip. */
static esp_err_t startConverter(Waveform *waveform, adc_digi_pattern_config_t *pattern)
{
	const uint32_t block_bytes = BLOCK_FRAMES * waveform->perFrame * sizeof(adc_digi_output_data_t);
	const adc_continuous_handle_cfg_t pool = {
		.max_store_buf_size = (waveform->rate_Hz * POOL_MS / 1000 / BLOCK_FRAMES + 1) * block_bytes,
		.conv_frame_size = block_bytes,
	};
	const adc_continuous_config_t config = {
		.pattern_num = waveform->channels,
		.adc_pattern = pattern,
		.sample_freq_hz = waveform->rate_Hz * waveform->perFrame,
		.conv_mode = ADC_CONV_SINGLE_UNIT_1,
	};
	const adc_continuous_evt_cbs_t callbacks = { .on_pool_ovf = onPoolFull };
	esp_err_t error;

	if ((error = adc_continuous_new_handle(&pool, &waveform->adc)) != ESP_OK)
		return error;
	if ((error = adc_continuous_config(waveform->adc, &config)) != ESP_OK)
		return error;
	if ((error = adc_continuous_register_event_callbacks(waveform->adc, &callbacks, NULL)) != ESP_OK)
		return error;
	waveform->dropped = gDropped;
	if ((error = adc_continuous_start(waveform->adc)) != ESP_OK)
		return error;
	waveform->isStarted = true;
	return ESP_OK;
}

/** @returns false when there is no memory for it. */
static bool startTask(Waveform *waveform)
{
	return xTaskCreate(runWaveform, "waveform", TASK_STACK_BYTES / sizeof(StackType_t), waveform, TASK_PRIORITY,
		&waveform->task) == pdPASS;
}

void xs_sealmeter_waveform(xsMachine *the)
{
	const xsIntegerValue rate_Hz = xsmcToInteger(xsArg(0));
	adc_digi_pattern_config_t pattern[CHANNELS_MAX] = { 0 };
	xsIntegerValue channels;
	Waveform *waveform;

	xsmcVars(1);
	xsmcGet(xsVar(0), xsArg(1), xsID_length);
	channels = xsmcToInteger(xsVar(0));
	if (channels < 2 || channels > CHANNELS_MAX || channels % 2 != 0)
		xsRangeError("a voltage and a current for each of 1 to 3 elements");
	if (rate_Hz < ACCUMULATOR_RATE_HZ_MIN || rate_Hz > ACCUMULATOR_RATE_HZ_MAX)
		xsRangeError("no such rate");
	if (gWaveform)
		xsUnknownError("the converter is in use");
	waveform = gWaveform = c_calloc(1, sizeof(Waveform));
	if (!waveform)
		xsUnknownError("no memory for waveforms");
	// From here on the destructor of the object frees it, whatever is thrown.
	xsmcSetHostData(xsThis, waveform);
	waveform->rate_Hz = (uint32_t)rate_Hz;
	waveform->channels = (uint32_t)channels;
	if (!findChannels(the, waveform, pattern))
		xsRangeError("no pin of the first converter, or one twice");
	if (!findConversions(waveform))
		xsRangeError("the chip does not convert at this rate");
	waveform->queue = c_calloc(ACCUMULATOR_CYCLES * ACCUMULATOR_WORDS(channels / 2), sizeof(int64_t));
	waveform->lock = xSemaphoreCreateMutex();
	if (!waveform->queue || !waveform->lock)
		xsUnknownError("no memory for waveforms");
	if (!accumulatorStart(&waveform->accumulator, waveform->channels / 2, waveform->rate_Hz, waveform->queue,
		ACCUMULATOR_CYCLES))
		xsUnknownError("no accumulator");
	if (startConverter(waveform, pattern) != ESP_OK || !startTask(waveform))
		xsUnknownError("the converter does not start");
}

/** Fills the array that it is given with the oldest record: its sums, its samples, its lost. False when there is none. */
void xs_sealmeter_waveform_take(xsMachine *the)
{
	Waveform *waveform = xsmcGetHostDataValidate(xsThis, xs_sealmeter_waveform_destructor);
	AccumulatorCycle cycle;
	uint32_t element, sum;
	xsIntegerValue at = 0;
	bool isTaken;

	xsmcVars(1);
	xSemaphoreTake(waveform->lock, portMAX_DELAY);
	isTaken = accumulatorTake(&waveform->accumulator, &cycle);
	xSemaphoreGive(waveform->lock);
	xsmcSetBoolean(xsResult, isTaken);
	if (!isTaken)
		return;
	for (element = 0; element < waveform->channels / 2; element++)
		for (sum = 0; sum < ACCUMULATOR_SUMS; sum++) {
			// Below 2^39, so exact.
			xsmcSetNumber(xsVar(0), (double)cycle.sums[element][sum]);
			xsmcSetIndex(xsArg(0), at++, xsVar(0));
		}
	xsmcSetNumber(xsVar(0), (double)cycle.samples);
	xsmcSetIndex(xsArg(0), at++, xsVar(0));
	xsmcSetNumber(xsVar(0), (double)cycle.lost);
	xsmcSetIndex(xsArg(0), at, xsVar(0));
}

void xs_sealmeter_waveform_close(xsMachine *the)
{
	if (!xsmcGetHostData(xsThis))
		return;
	xs_sealmeter_waveform_destructor(xsmcGetHostDataValidate(xsThis, xs_sealmeter_waveform_destructor));
	xsmcSetHostData(xsThis, NULL);
	xsmcSetHostDestructor(xsThis, NULL);
}
