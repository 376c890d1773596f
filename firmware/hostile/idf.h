// What the firmware's C code and the SDK's ESP32 platform use of FreeRTOS and ESP-IDF, declared as the
// documentation has it, for a build on Linux: idf.c stands behind it with threads, or nothing does and the
// code is only compiled. Each header of that name that is asked for is a file with one include of this one
// (tools/firmware-hostile.ts makes them).
#ifndef SEALMETER_IDF_H
#define SEALMETER_IDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/** The device's clock is its own; this computer's is not touched. */
#define settimeofday(time, zone) (0)

/* FreeRTOS; a tick is a millisecond, as in the device's options */
#define INC_FREERTOS_H
typedef int BaseType_t;
typedef unsigned UBaseType_t;
typedef uint32_t TickType_t;
typedef uint8_t StackType_t;
typedef struct Task *TaskHandle_t;
typedef struct Queue *QueueHandle_t;
typedef struct Queue *QueueSetHandle_t;
typedef struct Mutex *SemaphoreHandle_t;
typedef struct Timer *TimerHandle_t;
typedef struct { int unused; } portMUX_TYPE;
typedef struct { void *unused[24]; } StaticSemaphore_t;
typedef struct { void *pxStackBase; } TaskStatus_t;
typedef enum { eReady } eTaskState;
#define pdTRUE 1
#define pdFALSE 0
#define pdPASS 1
#define portBASE_TYPE int
#define portMAX_DELAY 0xffffffffu
#define portMUX_INITIALIZER_UNLOCKED { 0 }
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))
#define pdTICKS_TO_MS(ticks) (ticks)
#define tskIDLE_PRIORITY 0
#define taskENTER_CRITICAL(mux)
#define taskEXIT_CRITICAL(mux)
#define vPortEnterCritical(mux)
#define vPortExitCritical(mux)
#define vPortEnterCriticalSafe(mux)
#define vPortExitCriticalSafe(mux)
BaseType_t xTaskCreate(void (*code)(void *), const char *name, uint32_t stack, void *argument, UBaseType_t priority,
	TaskHandle_t *task);
void vTaskDelete(TaskHandle_t task);
void vTaskDelay(TickType_t ticks);
void vTaskSuspend(TaskHandle_t task);
TaskHandle_t xTaskGetCurrentTaskHandle(void);
TickType_t xTaskGetTickCount(void);
void vTaskGetInfo(TaskHandle_t task, TaskStatus_t *status, BaseType_t highWater, eTaskState state);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks);
BaseType_t xTaskNotifyGive(TaskHandle_t task);
QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t size);
BaseType_t xQueueSendToBack(QueueHandle_t queue, const void *item, TickType_t ticks);
BaseType_t xQueueSendToBackFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken);
BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t ticks);
UBaseType_t uxQueueMessagesWaiting(QueueHandle_t queue);
void vQueueDelete(QueueHandle_t queue);
SemaphoreHandle_t xSemaphoreCreateMutex(void);
SemaphoreHandle_t xSemaphoreCreateMutexStatic(StaticSemaphore_t *storage);
BaseType_t xSemaphoreTake(SemaphoreHandle_t mutex, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t mutex);
void vSemaphoreDelete(SemaphoreHandle_t mutex);
TimerHandle_t xTimerCreate(const char *name, TickType_t period, UBaseType_t reload, void *id, void (*code)(TimerHandle_t));
BaseType_t xTimerStart(TimerHandle_t timer, TickType_t ticks);

/* ESP-IDF: system, memory, entropy */
typedef int esp_err_t;
typedef void (*shutdown_handler_t)(void);
typedef struct { uint32_t address, size, erase_size; char label[17]; } esp_partition_t;
#define ESP_OK 0
#define ESP_ERR_NO_MEM 0x101
#define ESP_ERR_INVALID_STATE 0x103
#define ESP_INTR_FLAG_IRAM (1 << 10)
#define IRAM_ATTR
#define MALLOC_CAP_8BIT 1
#define MALLOC_CAP_32BIT 2
#define heap_caps_malloc(size, caps) malloc(size)
#define heap_caps_free(pointer) free(pointer)
#define heap_caps_get_largest_free_block(caps) ((size_t)1 << 20)
typedef enum {
	ESP_RST_UNKNOWN, ESP_RST_POWERON, ESP_RST_EXT, ESP_RST_SW, ESP_RST_PANIC, ESP_RST_INT_WDT, ESP_RST_TASK_WDT,
	ESP_RST_WDT, ESP_RST_DEEPSLEEP, ESP_RST_BROWNOUT, ESP_RST_SDIO
} esp_reset_reason_t;
esp_reset_reason_t esp_reset_reason(void);
typedef struct { uint32_t timeout_ms, idle_core_mask; bool trigger_panic; } esp_task_wdt_config_t;
typedef struct esp_task_wdt_user_handle_s *esp_task_wdt_user_handle_t;
esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t *config);
esp_err_t esp_task_wdt_add_user(const char *name, esp_task_wdt_user_handle_t *handle);
esp_err_t esp_task_wdt_reset_user(esp_task_wdt_user_handle_t handle);
void esp_restart(void) __attribute__((noreturn));
esp_err_t esp_register_shutdown_handler(shutdown_handler_t handler);
uint32_t esp_random(void);
void esp_fill_random(void *bytes, size_t length);
void bootloader_random_enable(void);
void bootloader_random_disable(void);
int64_t esp_timer_get_time(void);

/* ESP-IDF: pins and pulse counters; NO_PCNT stands for a chip without them, the ESP32-C3 */
#ifndef NO_PCNT
	#define SOC_PCNT_SUPPORTED 1
	#define CONFIG_IDF_TARGET_ESP32 1
#else
	#define CONFIG_IDF_TARGET_ESP32C3 1
#endif
typedef int gpio_num_t;
typedef enum { GPIO_MODE_INPUT = 1 } gpio_mode_t;
typedef enum { GPIO_PULLUP_DISABLE, GPIO_PULLUP_ENABLE } gpio_pullup_t;
typedef enum { GPIO_PULLDOWN_DISABLE, GPIO_PULLDOWN_ENABLE } gpio_pulldown_t;
typedef enum { GPIO_INTR_DISABLE, GPIO_INTR_ANYEDGE = 3 } gpio_int_type_t;
typedef struct {
	uint64_t pin_bit_mask;
	gpio_mode_t mode;
	gpio_pullup_t pull_up_en;
	gpio_pulldown_t pull_down_en;
	gpio_int_type_t intr_type;
} gpio_config_t;
typedef struct { int unused; } gpio_dev_t;
extern gpio_dev_t GPIO;
#define GPIO_IS_VALID_GPIO(pin) ((pin) >= 0 && (pin) < 40)
int gpio_ll_get_level(gpio_dev_t *gpio, uint32_t pin);
esp_err_t gpio_install_isr_service(int flags);
esp_err_t gpio_config(const gpio_config_t *config);
esp_err_t gpio_isr_handler_add(gpio_num_t pin, void (*handler)(void *), void *argument);
esp_err_t gpio_isr_handler_remove(gpio_num_t pin);
typedef struct pcnt_unit_t *pcnt_unit_handle_t;
typedef struct pcnt_chan_t *pcnt_channel_handle_t;
typedef struct { int low_limit, high_limit, intr_priority; struct { uint32_t accum_count: 1; } flags; } pcnt_unit_config_t;
typedef struct { int edge_gpio_num, level_gpio_num; struct { uint32_t invert_edge_input: 1; } flags; } pcnt_chan_config_t;
typedef struct { uint32_t max_glitch_ns; } pcnt_glitch_filter_config_t;
typedef enum { PCNT_CHANNEL_EDGE_ACTION_HOLD, PCNT_CHANNEL_EDGE_ACTION_INCREASE } pcnt_channel_edge_action_t;
esp_err_t pcnt_new_unit(const pcnt_unit_config_t *config, pcnt_unit_handle_t *unit);
esp_err_t pcnt_del_unit(pcnt_unit_handle_t unit);
esp_err_t pcnt_unit_set_glitch_filter(pcnt_unit_handle_t unit, const pcnt_glitch_filter_config_t *config);
esp_err_t pcnt_unit_add_watch_point(pcnt_unit_handle_t unit, int point);
esp_err_t pcnt_unit_enable(pcnt_unit_handle_t unit);
esp_err_t pcnt_unit_disable(pcnt_unit_handle_t unit);
esp_err_t pcnt_unit_start(pcnt_unit_handle_t unit);
esp_err_t pcnt_unit_stop(pcnt_unit_handle_t unit);
esp_err_t pcnt_unit_clear_count(pcnt_unit_handle_t unit);
esp_err_t pcnt_unit_get_count(pcnt_unit_handle_t unit, int *count);
esp_err_t pcnt_new_channel(pcnt_unit_handle_t unit, const pcnt_chan_config_t *config, pcnt_channel_handle_t *channel);
esp_err_t pcnt_del_channel(pcnt_channel_handle_t channel);
esp_err_t pcnt_channel_set_edge_action(pcnt_channel_handle_t channel, pcnt_channel_edge_action_t rising,
	pcnt_channel_edge_action_t falling);

/* ESP-IDF: the converter, in its continuous mode; only what both chips' formats have */
#define ESP_ERR_TIMEOUT 0x107
typedef enum { ADC_UNIT_1, ADC_UNIT_2 } adc_unit_t;
typedef enum { ADC_CHANNEL_0, ADC_CHANNEL_9 = 9 } adc_channel_t;
typedef enum { ADC_ATTEN_DB_0, ADC_ATTEN_DB_12 = 3 } adc_atten_t;
typedef enum { ADC_BITWIDTH_12 = 12 } adc_bitwidth_t;
typedef enum { ADC_CONV_SINGLE_UNIT_1 = 1 } adc_digi_convert_mode_t;
typedef struct { uint8_t atten, channel, unit, bit_width; } adc_digi_pattern_config_t;
#ifdef CONFIG_IDF_TARGET_ESP32
typedef struct {
	union { struct { uint16_t data: 12, channel: 4; } type1; uint16_t val; };
} adc_digi_output_data_t;
#else
typedef struct {
	union { struct { uint32_t data: 12, reserved12: 1, channel: 3, unit: 1, reserved17_31: 15; } type2; uint32_t val; };
} adc_digi_output_data_t;
#endif
typedef struct adc_continuous_ctx_t *adc_continuous_handle_t;
typedef struct { uint32_t max_store_buf_size, conv_frame_size; struct { uint32_t flush_pool: 1; } flags; }
	adc_continuous_handle_cfg_t;
typedef struct {
	uint32_t pattern_num;
	adc_digi_pattern_config_t *adc_pattern;
	uint32_t sample_freq_hz;
	adc_digi_convert_mode_t conv_mode;
} adc_continuous_config_t;
typedef struct { uint8_t *conv_frame_buffer; uint32_t size; } adc_continuous_evt_data_t;
typedef bool (*adc_continuous_callback_t)(adc_continuous_handle_t handle, const adc_continuous_evt_data_t *event,
	void *argument);
typedef struct { adc_continuous_callback_t on_conv_done, on_pool_ovf; } adc_continuous_evt_cbs_t;
esp_err_t adc_continuous_new_handle(const adc_continuous_handle_cfg_t *config, adc_continuous_handle_t *handle);
esp_err_t adc_continuous_config(adc_continuous_handle_t handle, const adc_continuous_config_t *config);
esp_err_t adc_continuous_register_event_callbacks(adc_continuous_handle_t handle, const adc_continuous_evt_cbs_t *callbacks,
	void *argument);
esp_err_t adc_continuous_start(adc_continuous_handle_t handle);
esp_err_t adc_continuous_read(adc_continuous_handle_t handle, uint8_t *bytes, uint32_t most, uint32_t *length,
	uint32_t timeout_ms);
esp_err_t adc_continuous_stop(adc_continuous_handle_t handle);
esp_err_t adc_continuous_flush_pool(adc_continuous_handle_t handle);
esp_err_t adc_continuous_deinit(adc_continuous_handle_t handle);
esp_err_t adc_continuous_io_to_channel(int pin, adc_unit_t *unit, adc_channel_t *channel);

/* ESP-IDF: Wi-Fi */
typedef const char *esp_event_base_t;
typedef struct esp_netif_obj esp_netif_t;
typedef struct { int nvs_enable, magic; } wifi_init_config_t;
typedef enum { WIFI_STORAGE_RAM = 1 } wifi_storage_t;
typedef enum { WIFI_MODE_STA = 1 } wifi_mode_t;
typedef enum { WIFI_IF_STA } wifi_interface_t;
typedef enum { WIFI_AUTH_OPEN, WIFI_AUTH_WPA2_PSK = 3 } wifi_auth_mode_t;
typedef union {
	struct { uint8_t ssid[32]; uint8_t password[64]; struct { wifi_auth_mode_t authmode; } threshold; } sta;
} wifi_config_t;
enum { IP_EVENT_STA_GOT_IP, IP_EVENT_STA_LOST_IP };
enum { WIFI_EVENT_STA_START = 2, WIFI_EVENT_STA_DISCONNECTED = 5 };
extern esp_event_base_t const IP_EVENT;
extern esp_event_base_t const WIFI_EVENT;
#define ESP_EVENT_ANY_ID -1
#define WIFI_INIT_CONFIG_DEFAULT() { .nvs_enable = 1, .magic = 1 }
esp_err_t esp_event_loop_create_default(void);
esp_err_t esp_event_handler_register(esp_event_base_t base, int32_t id,
	void (*handler)(void *, esp_event_base_t, int32_t, void *), void *argument);
esp_err_t esp_netif_init(void);
esp_netif_t *esp_netif_get_handle_from_ifkey(const char *key);
esp_netif_t *esp_netif_create_default_wifi_sta(void);
esp_err_t esp_wifi_init(const wifi_init_config_t *config);
esp_err_t esp_wifi_set_storage(wifi_storage_t storage);
esp_err_t esp_wifi_set_mode(wifi_mode_t mode);
esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t *config);
esp_err_t esp_wifi_start(void);
esp_err_t esp_wifi_connect(void);

#endif
