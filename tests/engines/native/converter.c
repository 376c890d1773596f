// firmware/native/waveform.c over a converter that this file plays: pins are channels, tasks do not run by themselves,
// and JavaScript is as much of it as the C code sees. Reads results, one a line ("channel code"), "dropped N" blocks,
// "started" where the converter begins again and "end", and prints the records that come of them. It stands in for a board and proves nothing about one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waveform.c"

static adc_continuous_callback_t poolIsFull;
static Waveform *created;

/* ESP-IDF and FreeRTOS */

esp_err_t adc_continuous_new_handle(const adc_continuous_handle_cfg_t *config, adc_continuous_handle_t *handle)
{
	printf("pool %u block %u\n", config->max_store_buf_size, config->conv_frame_size);
	*handle = (adc_continuous_handle_t)config;
	return ESP_OK;
}

esp_err_t adc_continuous_config(adc_continuous_handle_t handle, const adc_continuous_config_t *config)
{
	(void)handle;
	printf("conversions %u of %u channels\n", config->sample_freq_hz, config->pattern_num);
	return ESP_OK;
}

esp_err_t adc_continuous_register_event_callbacks(adc_continuous_handle_t handle, const adc_continuous_evt_cbs_t *callbacks,
	void *argument)
{
	(void)handle;
	(void)argument;
	poolIsFull = callbacks->on_pool_ovf;
	return ESP_OK;
}

esp_err_t adc_continuous_start(adc_continuous_handle_t handle) { (void)handle; return ESP_OK; }
esp_err_t adc_continuous_stop(adc_continuous_handle_t handle) { (void)handle; return ESP_OK; }

/** Up to where the converter begins again. */
esp_err_t adc_continuous_flush_pool(adc_continuous_handle_t handle)
{
	char line[32];

	(void)handle;
	while (fgets(line, sizeof(line), stdin) && strcmp(line, "started\n") != 0)
		continue;
	return ESP_OK;
}

esp_err_t adc_continuous_deinit(adc_continuous_handle_t handle) { (void)handle; return ESP_OK; }

esp_err_t adc_continuous_io_to_channel(int pin, adc_unit_t *unit, adc_channel_t *channel)
{
	*unit = pin < 10 ? ADC_UNIT_1 : ADC_UNIT_2;
	*channel = (adc_channel_t)pin;
	return pin < 20 ? ESP_OK : ESP_ERR_NO_MEM;
}

static bool parseResult(const char *line, adc_digi_output_data_t *result)
{
	unsigned channel, code;

	if (sscanf(line, "%u %u", &channel, &code) != 2)
		return false;
	memset(result, 0, sizeof(*result));
#if CONFIG_IDF_TARGET_ESP32
	result->type1.channel = channel & 15;
	result->type1.data = code & 4095;
#else
	result->type2.channel = channel & 7;
	result->type2.data = code & 4095;
#endif
	return true;
}

esp_err_t adc_continuous_read(adc_continuous_handle_t handle, uint8_t *bytes, uint32_t most, uint32_t *length,
	uint32_t timeout_ms)
{
	adc_digi_output_data_t result;
	char line[32];
	unsigned blocks;

	(void)handle;
	(void)timeout_ms;
	for (*length = 0; *length + sizeof(result) <= most; *length += sizeof(result)) {
		if (!fgets(line, sizeof(line), stdin) || strcmp(line, "end\n") == 0) {
			created->stopping = true;
			break;
		}
		if (sscanf(line, "dropped %u", &blocks) == 1) {
			for (; blocks > 0; blocks--)
				poolIsFull(handle, NULL, NULL);
			break;
		}
		if (!parseResult(line, &result))
			exit(2);
		memcpy(bytes + *length, &result, sizeof(result));
	}
	return *length > 0 ? ESP_OK : ESP_ERR_TIMEOUT;
}

BaseType_t xTaskCreate(void (*code)(void *), const char *name, uint32_t stack, void *argument, UBaseType_t priority,
	TaskHandle_t *task)
{
	(void)code;
	(void)name;
	(void)stack;
	(void)priority;
	created = argument;
	*task = (TaskHandle_t)argument;
	return pdPASS;
}

void vTaskDelete(TaskHandle_t task) { (void)task; }
void vTaskDelay(TickType_t ticks) { (void)ticks; }
SemaphoreHandle_t xSemaphoreCreateMutex(void) { return (SemaphoreHandle_t)&created; }
void vSemaphoreDelete(SemaphoreHandle_t mutex) { (void)mutex; }
BaseType_t xSemaphoreGive(SemaphoreHandle_t mutex) { (void)mutex; return pdTRUE; }
BaseType_t xSemaphoreTake(SemaphoreHandle_t mutex, TickType_t ticks) { (void)mutex; (void)ticks; return pdTRUE; }

static void printRecords(void)
{
	double record[ACCUMULATOR_WORDS(ACCUMULATOR_ELEMENTS_MAX)] = { 0 };
	xsMachine machine = { .array = record, .hostData = created };
	const uint32_t words = ACCUMULATOR_WORDS(created->channels / 2);

	while (xs_sealmeter_waveform_take(&machine), machine.isTrue) {
		for (uint32_t at = 0; at < words; at++)
			printf("%s%.0f", at > 0 ? " " : "cycle ", record[at]);
		putchar('\n');
	}
}

/** A task that has nothing more to do never comes back. */
void vTaskSuspend(TaskHandle_t task)
{
	(void)task;
	printRecords();
	xs_sealmeter_waveform_destructor(created);
	exit(0);
}

int main(int count, char **words)
{
	double pins[8] = { 0 };
	xsMachine machine = { .array = pins, .length = count - 2 };

	if (count < 2 || count > 10)
		return 2;
	machine.arguments[0] = atof(words[1]);
	for (int at = 2; at < count; at++)
		pins[at - 2] = atof(words[at]);
	xs_sealmeter_waveform(&machine);
	runWaveform(created);
}
