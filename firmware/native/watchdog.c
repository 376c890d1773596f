// The unit's own place on the list of ESP-IDF's task watchdog. The SDK has put the unit's task on that list, but
// reports for it whenever the machine's loop goes round, whether or not anything is measured in it. This place is
// reported for by the unit alone, after it has measured: a loop that goes round without the unit, and a unit that
// hangs, both end in a panic and a restart, and the next start can tell.
// The list has one limit for all. It is that of sdkconfig.defaults, which leaves provisioning its half a minute,
// until the unit reports for the first time; from then on it is LIMIT_MS. After a restart by the watchdog it stays
// that of sdkconfig.defaults: each start costs an erase, and a unit that hangs at every start must not wear the
// flash out.
#include "xsmc.h"
#include "xsHost.h"

#include "esp_system.h"
#include "esp_task_wdt.h"

/**
 * The unit's longest step takes 3 s, for longer its front end may not go unread; a turn adds 0.2 s, and ending
 * the network machine 0.3 s. Three times the sum: a slow erase is no reason to restart.
 */
#define LIMIT_MS 10000

#ifdef mxDebug
	/** The debugger stops the unit for as long as somebody thinks; the limit stays that of sdkconfig.defaults. */
	#define WATCHES_UNIT false
#else
	#define WATCHES_UNIT true
#endif

static esp_task_wdt_user_handle_t gUnit;

/** Any of the chip's watchdogs: of the tasks, of the interrupts, of a boot or a panic that hangs. */
static bool isRestarted(void)
{
	esp_reset_reason_t reason = esp_reset_reason();

	return reason == ESP_RST_TASK_WDT || reason == ESP_RST_INT_WDT || reason == ESP_RST_WDT;
}

/** What fails, for want of a few bytes of memory, is tried again at the next call; the SDK's place is there. */
static void watch(void)
{
	esp_task_wdt_config_t config = { .timeout_ms = LIMIT_MS, .idle_core_mask = 0, .trigger_panic = true };

	if (!isRestarted() && esp_task_wdt_reconfigure(&config) != ESP_OK)
		return;
	if (esp_task_wdt_add_user("unit", &gUnit) != ESP_OK)
		gUnit = NULL;
}

void xs_sealmeter_watchdog_feed(xsMachine *the)
{
	(void)the;
	if (!WATCHES_UNIT)
		return;
	if (!gUnit)
		watch();
	if (gUnit)
		esp_task_wdt_reset_user(gUnit);
}

void xs_sealmeter_watchdog_restarted(xsMachine *the)
{
	xsmcSetBoolean(xsResult, isRestarted());
}
