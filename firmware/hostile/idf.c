// FreeRTOS over threads, and as much of ESP-IDF as the engine's platform asks for: two machines of the device in
// one Linux process. A task that is deleted is cancelled wherever it is; a restart of the chip ends the process
// with exit code 9, unless a shutdown handler keeps it from that.
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xs.h"
#include "xsHost.h"
#include "xsHosts.h"

#include "idf.h"
#include "radio.h"

#define RESTART_EXIT 9
#define HANDLERS_MAX 5
/** Stack of a task: the engine's own check ends it first. */
#define STACK_BYTES (512 * 1024)

struct Task {
	pthread_t thread;
	void (*code)(void *);
	void *argument;
	void *stack;
	sem_t notified;
};

struct Queue {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned length, size, used, head;
	uint8_t *items;
};

struct Mutex {
	pthread_mutex_t mutex;
};

static __thread struct Task *gSelf;
static struct Task gMain;
static shutdown_handler_t gHandlers[HANDLERS_MAX];
static int gHandlerCount;

static void *runTask(void *argument)
{
	gSelf = argument;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	gSelf->code(gSelf->argument);
	return NULL;
}

BaseType_t xTaskCreate(void (*code)(void *), const char *name, uint32_t stack, void *argument, UBaseType_t priority,
	TaskHandle_t *task)
{
	struct Task *made = calloc(1, sizeof(struct Task));
	pthread_attr_t attributes;

	(void)name, (void)stack, (void)priority;
	made->code = code;
	made->argument = argument;
	sem_init(&made->notified, 0, 0);
	if (posix_memalign(&made->stack, 4096, STACK_BYTES))
		return pdFALSE;
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, made->stack, STACK_BYTES);
	*task = made;
	return pthread_create(&made->thread, &attributes, runTask, made) == 0;
}

void vTaskDelete(TaskHandle_t task)
{
	pthread_cancel(task->thread);
	pthread_join(task->thread, NULL);
	free(task->stack);
	free(task);
}

void vTaskDelay(TickType_t ticks)
{
	usleep(ticks * 1000);
}

void vTaskSuspend(TaskHandle_t task)
{
	(void)task;
	pause();
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
	return gSelf ? gSelf : &gMain;
}

TickType_t xTaskGetTickCount(void)
{
	return (TickType_t)(esp_timer_get_time() / 1000);
}

void vTaskGetInfo(TaskHandle_t task, TaskStatus_t *status, BaseType_t highWater, eTaskState state)
{
	char here;

	(void)task, (void)highWater, (void)state;
	status->pxStackBase = gSelf ? gSelf->stack : &here - STACK_BYTES;
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks)
{
	(void)clear, (void)ticks;
	return sem_wait(&xTaskGetCurrentTaskHandle()->notified) == 0;
}

BaseType_t xTaskNotifyGive(TaskHandle_t task)
{
	return sem_post(&task->notified) == 0;
}

int64_t esp_timer_get_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t size)
{
	struct Queue *queue = calloc(1, sizeof(struct Queue));
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&queue->mutex, NULL);
	pthread_cond_init(&queue->changed, &attributes);
	queue->length = length;
	queue->size = size;
	queue->items = malloc(length * size);
	return queue;
}

/** Waits for a change of the queue until the moment; false once it has passed. */
static bool waitFor(struct Queue *queue, const struct timespec *until)
{
	return pthread_cond_timedwait(&queue->changed, &queue->mutex, until) == 0;
}

static struct timespec momentIn(TickType_t ticks)
{
	struct timespec moment;

	clock_gettime(CLOCK_MONOTONIC, &moment);
	moment.tv_sec += ticks / 1000;
	moment.tv_nsec += (long)(ticks % 1000) * 1000000;
	if (moment.tv_nsec >= 1000000000) {
		moment.tv_sec++;
		moment.tv_nsec -= 1000000000;
	}
	return moment;
}

BaseType_t xQueueSendToBack(QueueHandle_t queue, const void *item, TickType_t ticks)
{
	struct timespec until = momentIn(ticks);
	bool isRoom = true;

	pthread_mutex_lock(&queue->mutex);
	while (queue->used == queue->length && (isRoom = waitFor(queue, &until)))
		;
	if (isRoom) {
		memcpy(queue->items + (queue->head + queue->used++) % queue->length * queue->size, item, queue->size);
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->mutex);
	return isRoom;
}

BaseType_t xQueueSendToBackFromISR(QueueHandle_t queue, const void *item, BaseType_t *woken)
{
	(void)woken;
	return xQueueSendToBack(queue, item, 0);
}

BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t ticks)
{
	struct timespec until = momentIn(ticks);
	bool isItem = true;

	pthread_mutex_lock(&queue->mutex);
	while (queue->used == 0 && (isItem = waitFor(queue, &until)))
		;
	if (isItem) {
		memcpy(item, queue->items + queue->head * queue->size, queue->size);
		queue->head = (queue->head + 1) % queue->length;
		queue->used--;
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->mutex);
	return isItem;
}

UBaseType_t uxQueueMessagesWaiting(QueueHandle_t queue)
{
	return queue->used;
}

void vQueueDelete(QueueHandle_t queue)
{
	free(queue->items);
	free(queue);
}

SemaphoreHandle_t xSemaphoreCreateMutexStatic(StaticSemaphore_t *storage)
{
	(void)storage;
	return xSemaphoreCreateMutex();
}

SemaphoreHandle_t xSemaphoreCreateMutex(void)
{
	struct Mutex *made = calloc(1, sizeof(struct Mutex));

	pthread_mutex_init(&made->mutex, NULL);
	return made;
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t mutex, TickType_t ticks)
{
	(void)ticks;
	return pthread_mutex_lock(&mutex->mutex) == 0;
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t mutex)
{
	return pthread_mutex_unlock(&mutex->mutex) == 0;
}

void vSemaphoreDelete(SemaphoreHandle_t mutex)
{
	free(mutex);
}

esp_err_t esp_register_shutdown_handler(shutdown_handler_t handler)
{
	if (gHandlerCount == HANDLERS_MAX)
		return ESP_ERR_NO_MEM;
	gHandlers[gHandlerCount++] = handler;
	return ESP_OK;
}

void esp_restart(void)
{
	int at;

	for (at = gHandlerCount - 1; at >= 0; at--)
		gHandlers[at]();
	fprintf(stderr, "the chip restarts\n");
	_exit(RESTART_EXIT);
}

uint32_t esp_random(void)
{
	return (uint32_t)random();
}

/* Of the firmware's own, what needs hardware */

static pthread_mutex_t gRadio = PTHREAD_MUTEX_INITIALIZER;

void radioLock(void)
{
	pthread_mutex_lock(&gRadio);
}

void radioUnlock(void)
{
	pthread_mutex_unlock(&gRadio);
}

bool stationPrepare(void)
{
	return true;
}

/* Of the SDK's platform, what needs the ESP32 or is of no use here */

void fxCreateMachinePlatform(xsMachine *the)
{
	modMachineTaskInit(the);
}

void fxDeleteMachinePlatform(xsMachine *the)
{
	modMachineTaskUninit(the);
}

/** As a release build of the SDK does: any machine's abort restarts the chip. */
void fxAbort(xsMachine *the, int status)
{
	(void)the, (void)status;
	esp_restart();
}

void modLog_transmit(const char *message)
{
	fprintf(stderr, "%s\n", message);
}

void selectionSort(void *base, size_t count, size_t width, int (*compare)(const void *, const void *))
{
	qsort(base, count, width, compare);
}

double __ieee754_pow(double x, double y)
{
	extern double pow(double, double);

	return pow(x, y);
}

esp_err_t __real_spi_flash_erase_range(uint32_t address, uint32_t size)
{
	(void)address, (void)size;
	return ESP_OK;
}

esp_err_t __real_spi_flash_erase_sector(size_t sector)
{
	(void)sector;
	return ESP_OK;
}

void xs_preference_get(void) {}
void xs_preference_set(void) {}
void xs_preference_delete(void) {}
void xs_preference_keys(void) {}

void xs_sealmeter_hostile_print(xsMachine *the)
{
	printf("%s\n", xsToString(xsArg(0)));
	fflush(stdout);
}

void xs_sealmeter_hostile_exit(xsMachine *the)
{
	(void)the;
	exit(0);
}

int main(void)
{
	xsMachine *the;

	sem_init(&gMain.notified, 0, 0);
	the = modCloneMachine(NULL, NULL);
	modRunMachineSetup(the);
	while (true) {
		modTimersExecute();
		modMessageService(the, modTimersNext());
	}
}
