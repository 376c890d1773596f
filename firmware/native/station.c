// The Wi-Fi station, for the network machine. It is native and static because the network machine may be
// ended at any moment: the SDK's Wi-Fi class leaves the radio's event handlers with a pointer to its machine,
// and to a freed one if the machine is ended before close(). Here no event handler knows a machine. The
// station connects again by itself, for ever; a new machine that joins finds it connected.
#include "xsmc.h"
#include "xsHost.h"

#include <string.h>

#include "esp_event.h"
#include "esp_netif.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "freertos/timers.h"

#include "radio.h"

/** Between an attempt that failed and the next: the access point is not to be hammered. */
#define RETRY_MS 5000

static bool gStarted;
static volatile bool gOnline;
static TimerHandle_t gRetry;

static void onRetry(TimerHandle_t timer)
{
	(void)timer;
	esp_wifi_connect();
}

static void onEvent(void *argument, esp_event_base_t base, int32_t event, void *data)
{
	(void)argument;
	(void)data;
	if (base == IP_EVENT && event == IP_EVENT_STA_GOT_IP)
		gOnline = true;
	else if (base == IP_EVENT && event == IP_EVENT_STA_LOST_IP)
		gOnline = false;
	else if (base == WIFI_EVENT && event == WIFI_EVENT_STA_START)
		esp_wifi_connect();
	else if (base == WIFI_EVENT && event == WIFI_EVENT_STA_DISCONNECTED) {
		gOnline = false;
		xTimerStart(gRetry, 0);
	}
}

bool stationPrepare(void)
{
	esp_err_t error;

	if (!gRetry)
		gRetry = xTimerCreate("wifi", pdMS_TO_TICKS(RETRY_MS), pdFALSE, NULL, onRetry);
	if (!gRetry || esp_netif_init() != ESP_OK)
		return false;
	error = esp_event_loop_create_default();
	if (error != ESP_OK && error != ESP_ERR_INVALID_STATE)
		return false;
	return esp_netif_get_handle_from_ifkey("WIFI_STA_DEF") || esp_netif_create_default_wifi_sta();
}

/** Once after power-up. What fails is returned, and tried again with the next machine. */
static esp_err_t start(void)
{
	wifi_init_config_t init = WIFI_INIT_CONFIG_DEFAULT();
	esp_err_t error;

	init.nvs_enable = 0;
	if ((error = esp_wifi_init(&init)) != ESP_OK)
		return error;
	if ((error = esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, onEvent, NULL)) != ESP_OK)
		return error;
	if ((error = esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, onEvent, NULL)) != ESP_OK)
		return error;
	if ((error = esp_wifi_set_storage(WIFI_STORAGE_RAM)) != ESP_OK)
		return error;
	return esp_wifi_set_mode(WIFI_MODE_STA);
}

/** Sets the network's name and starts the radio; both may be done again. */
static esp_err_t join(const char *ssid, const char *password)
{
	wifi_config_t config = { 0 };
	esp_err_t error;

	strncpy((char *)config.sta.ssid, ssid, sizeof(config.sta.ssid));
	strncpy((char *)config.sta.password, password, sizeof(config.sta.password) - 1);
	config.sta.threshold.authmode = password[0] ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN;
	if ((error = esp_wifi_set_config(WIFI_IF_STA, &config)) != ESP_OK)
		return error;
	return esp_wifi_start();
}

void xs_sealmeter_station_join(xsMachine *the)
{
	char ssid[33] = "";
	char password[64] = "";
	esp_err_t error = ESP_OK;

	xsmcToStringBuffer(xsArg(0), ssid, sizeof(ssid));
	xsmcToStringBuffer(xsArg(1), password, sizeof(password));
	if (gOnline)
		return;
	radioLock();
	if (!gStarted)
		error = start();
	if (error == ESP_OK) {
		gStarted = true;
		error = join(ssid, password);
	}
	radioSetOn(error == ESP_OK);
	radioUnlock();
	if (error != ESP_OK)
		xsUnknownError("the radio does not start");
}

void xs_sealmeter_station_is_online(xsMachine *the)
{
	xsmcSetBoolean(xsResult, gOnline);
}
