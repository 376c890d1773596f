// The second machine: an XS machine with memory of a fixed size, a list of modules of its own, and a task of
// low priority; and the border between it and the first, two rings of bytes. The SDK's Worker does much the
// same, but lets the second machine hurt the first on the ESP32: an abort of any machine restarts the chip; a
// message is unpacked in the receiver's memory before anybody can look at its size; a post to a machine that
// loops waits for ever; an ended task stays on the watchdog's list and trips it; every module can be imported
// by every machine. Here:
// - a ring takes what fits and says no to the rest; nothing is unpacked, and nobody ever waits;
// - when the second machine aborts, its task parks itself instead of restarting the chip (guardRestart);
// - its task is not on the watchdog's list: whoever holds it decides when it has been silent for too long;
// - what it may import beyond the modules in ROM is a list given at its start.
// What cannot be contained: a fault of native code in its task (sockets, Wi-Fi) is a fault of the chip and
// restarts it; and a task that is ended in the middle of native code may leave a lock taken, which the first
// machine's own watchdog then answers with a restart.
#include "xsAll.h"
#include "xsmc.h"
#include "mc.xs.h"
#include "xsHosts.h"

#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "radio.h"

extern void *xsPreparationAndCreation(xsCreation **creation);
// xsHost.h declares it only to files that do not look into the engine.
extern void modMessageService(xsMachine *the, int maxDelayMS);

/** Bytes of a ring: the largest message of the link (4,200) with its length, and some small ones. */
#define RING_BYTES 4608
/** Modules that can be allowed, at most, and characters in a module's name. */
#define ALLOWED_MAX 16
#define MODULE_NAME_MAX 48
/** Above the idle task alone: the unit's machine, Wi-Fi and TCP/IP go before. */
#define TASK_PRIORITY (tskIDLE_PRIORITY + 1)
/** The longest sleep between two looks at `stopping`. */
#define SERVICE_MS_MAX 100
/** How long `close` waits for the machine to end by itself, in steps of STOP_STEP_MS. */
#define STOP_STEPS 20
#define STOP_STEP_MS 10

/** One writer, one reader, no lock: each side writes its own index alone. Messages follow a u16 length. */
typedef struct {
	volatile uint32_t head;
	volatile uint32_t tail;
	uint8_t bytes[RING_BYTES];
} Ring;

enum { STARTING, RUNNING, PARKED };

typedef struct {
	Ring toNetwork;
	Ring toUnit;
	xsCreation creation;
	txPreparation preparation;
	char module[MODULE_NAME_MAX];
	xsMachine *the;
	uint8_t *memory;
	TaskHandle_t task;
	volatile int state;
	volatile int stopping;
} Neighbour;

/** The one neighbour; the task's own functions find it here. */
static Neighbour *gNeighbour;

static void ringCopyIn(Ring *ring, uint32_t at, const uint8_t *bytes, uint32_t length)
{
	uint32_t i;

	for (i = 0; i < length; i++)
		ring->bytes[(at + i) % RING_BYTES] = bytes[i];
}

static void ringCopyOut(const Ring *ring, uint32_t at, uint8_t *bytes, uint32_t length)
{
	uint32_t i;

	for (i = 0; i < length; i++)
		bytes[i] = ring->bytes[(at + i) % RING_BYTES];
}

/** Indices run over 2 * RING_BYTES, so that a full ring differs from an empty one. */
static uint32_t ringUsed(uint32_t head, uint32_t tail)
{
	return (tail + 2 * RING_BYTES - head) % (2 * RING_BYTES);
}

static bool ringPut(Ring *ring, const uint8_t *bytes, uint32_t length)
{
	uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	uint32_t tail = ring->tail;
	uint8_t prefix[2] = { (uint8_t)(length >> 8), (uint8_t)length };

	if (length > RING_BYTES - 2 || ringUsed(head, tail) + length + 2 > RING_BYTES)
		return false;
	ringCopyIn(ring, tail, prefix, 2);
	ringCopyIn(ring, tail + 2, bytes, length);
	__atomic_store_n(&ring->tail, (tail + length + 2) % (2 * RING_BYTES), __ATOMIC_RELEASE);
	return true;
}

/** Length of the next message, or -1. The writer's side is not trusted: a length beyond what is there is none. */
static int ringNext(const Ring *ring)
{
	uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
	uint32_t used = ringUsed(ring->head, tail);
	uint8_t prefix[2];
	uint32_t length;

	if (used < 2)
		return -1;
	ringCopyOut(ring, ring->head, prefix, 2);
	length = ((uint32_t)prefix[0] << 8) | prefix[1];
	return length + 2 <= used ? (int)length : -1;
}

static void ringTake(Ring *ring, uint8_t *bytes, uint32_t length)
{
	ringCopyOut(ring, ring->head + 2, bytes, length);
	__atomic_store_n(&ring->head, (ring->head + length + 2) % (2 * RING_BYTES), __ATOMIC_RELEASE);
}

/** The task has nothing more to do and is ended by its owner. */
static void park(Neighbour *neighbour)
{
	neighbour->state = PARKED;
	while (true)
		vTaskSuspend(NULL);
}

/**
 * Called by esp_restart, which an abort of any machine ends in (memory, stack, an exception that nobody
 * caught): if it is the neighbour's, the restart ends here.
 */
static void guardRestart(void)
{
	if (gNeighbour && xTaskGetCurrentTaskHandle() == gNeighbour->task)
		park(gNeighbour);
}

/** As modCloneMachine of the SDK, in memory of a fixed size and with the modules of the list alone. */
static xsMachine *makeMachine(Neighbour *neighbour)
{
	uint8_t *context[2] = { neighbour->memory, neighbour->memory + neighbour->creation.staticSize };
	xsMachine *the = xsPrepareMachine(&neighbour->creation, &neighbour->preparation, neighbour->module, context, NULL);

	if (the)
		xsSetContext(the, NULL);
	return the;
}

static void runNeighbour(void *argument)
{
	Neighbour *neighbour = argument;
	xsMachine *the = makeMachine(neighbour);

	if (!the)
		park(neighbour);
	neighbour->the = the;
	neighbour->state = RUNNING;
	xsBeginHost(the);
	{
		xsResult = xsAwaitImport(neighbour->module, XS_IMPORT_DEFAULT);
		if (xsmcTest(xsResult) && xsmcIsInstanceOf(xsResult, xsFunctionPrototype))
			xsCallFunction0(xsResult, xsGlobal);
	}
	xsEndHost(the);
	while (!neighbour->stopping) {
		int delay_ms;

		modTimersExecute();
		delay_ms = modTimersNext();
		modMessageService(the, delay_ms > SERVICE_MS_MAX ? SERVICE_MS_MAX : delay_ms);
	}
	park(neighbour);
}

/** Ends the task: at the end of its turn if it ends one soon, else wherever it is. */
static void endTask(Neighbour *neighbour)
{
	int step;

	neighbour->stopping = 1;
	for (step = 0; step < STOP_STEPS && neighbour->state != PARKED; step++)
		vTaskDelay(pdMS_TO_TICKS(STOP_STEP_MS));
	// Not in the middle of starting the radio: the lock would stay taken.
	radioLock();
	vTaskDelete(neighbour->task);
	radioUnlock();
	// If it ran on the other core it stops at that core's next interrupt.
	vTaskDelay(2);
}

void xs_sealmeter_neighbour_destructor(void *data)
{
	Neighbour *neighbour = data;

	if (!neighbour)
		return;
	if (neighbour->task)
		endTask(neighbour);
	gNeighbour = NULL;
	// Closes sockets, removes timers, and frees the memory.
	if (neighbour->the)
		xsDeleteMachine(neighbour->the);
	else
		c_free(neighbour->memory);
	c_free(neighbour->preparation.scripts);
	c_free(neighbour);
}

static xsIntegerValue integerOf(xsMachine *the, xsSlot *object, xsIdentifier id, xsIntegerValue minimum)
{
	xsSlot value;
	xsIntegerValue integer;

	xsmcGet(value, *object, id);
	integer = xsmcToInteger(value);
	if (integer < minimum)
		xsRangeError("creation is too small");
	return integer;
}

static void readCreation(xsMachine *the, xsCreation *creation)
{
	creation->staticSize = integerOf(the, &xsArg(2), xsID_static, 16384);
	creation->stackCount = integerOf(the, &xsArg(2), xsID_stack, 64);
	creation->nativeStackSize = integerOf(the, &xsArg(2), xsID_nativeStack, 4096);
	xsmcGet(xsVar(0), xsArg(2), xsID_chunk);
	creation->initialChunkSize = integerOf(the, &xsVar(0), xsID_initial, 1024);
	creation->incrementalChunkSize = integerOf(the, &xsVar(0), xsID_incremental, 0);
	xsmcGet(xsVar(0), xsArg(2), xsID_heap);
	creation->initialHeapCount = integerOf(the, &xsVar(0), xsID_initial, 64);
	creation->incrementalHeapCount = integerOf(the, &xsVar(0), xsID_incremental, 0);
	xsmcGet(xsVar(0), xsArg(2), xsID_keys);
	creation->initialKeyCount = integerOf(the, &xsVar(0), xsID_initial, 16);
	creation->incrementalKeyCount = integerOf(the, &xsVar(0), xsID_incremental, 0);
}

/** Whether the list of names that JavaScript gave has this module's. */
static bool isNamed(xsMachine *the, xsSlot *list, int count, const char *path)
{
	char name[MODULE_NAME_MAX];
	xsSlot item;
	int at;

	for (at = 0; at < count; at++) {
		xsmcGetIndex(item, *list, at);
		xsmcToStringBuffer(item, name, sizeof(name));
		if (c_strcmp(path, name) == 0)
			return true;
	}
	return false;
}

/** Copies the image's list of modules: those in ROM, which have no code to load, and those that are named. */
static bool allowModules(xsMachine *the, Neighbour *neighbour)
{
	txPreparation *all = xsPreparationAndCreation(NULL);
	txPreparation *own = &neighbour->preparation;
	int count, script;

	xsmcGet(xsVar(0), xsArg(1), xsID_length);
	count = xsmcToInteger(xsVar(0));
	if (count < 0 || count > ALLOWED_MAX)
		return false;
	*own = *all;
	own->scriptCount = 0;
	own->scripts = c_calloc(all->scriptCount, sizeof(txScript));
	if (!own->scripts)
		return false;
	for (script = 0; script < all->scriptCount; script++) {
		txScript *module = &all->scripts[script];

		if (!module->codeBuffer || isNamed(the, &xsArg(1), count, module->path))
			own->scripts[own->scriptCount++] = *module;
	}
	return true;
}

/** @returns false when there is no memory; what was taken is given back by the destructor. */
static bool launch(Neighbour *neighbour)
{
	static bool isGuarded = false;

	neighbour->memory = c_malloc(neighbour->creation.staticSize);
	if (!neighbour->memory)
		return false;
	if (!isGuarded) {
		// The interface's own handler stops the radio at a restart: ours has to be registered after it, since
		// the last one is called first.
		if (!stationPrepare() || esp_register_shutdown_handler(guardRestart) != ESP_OK)
			return false;
		isGuarded = true;
	}
	gNeighbour = neighbour;
	return xTaskCreate(runNeighbour, "network", (uint32_t)neighbour->creation.nativeStackSize / sizeof(StackType_t),
		neighbour, TASK_PRIORITY, &neighbour->task) == pdPASS;
}

void xs_sealmeter_neighbour(xsMachine *the)
{
	Neighbour *neighbour;
	xsCreation *creation;

	xsmcVars(1);
	if (gNeighbour)
		xsUnknownError("there is a neighbour already");
	neighbour = c_calloc(1, sizeof(Neighbour));
	if (!neighbour)
		xsUnknownError("no memory for the neighbour");
	// From here on the destructor of the object frees it, whatever is thrown.
	xsmcSetHostData(xsThis, neighbour);
	xsPreparationAndCreation(&creation);
	neighbour->creation = *creation;
	xsmcToStringBuffer(xsArg(0), neighbour->module, sizeof(neighbour->module));
	readCreation(the, &neighbour->creation);
	if (!allowModules(the, neighbour) || !launch(neighbour))
		xsUnknownError("no memory for the neighbour");
}

static Neighbour *ownNeighbour(xsMachine *the)
{
	return xsmcGetHostDataValidate(xsThis, xs_sealmeter_neighbour_destructor);
}

static void putInto(xsMachine *the, Ring *ring)
{
	void *bytes;
	xsUnsignedValue length;

	xsmcGetBufferReadable(xsArg(0), &bytes, &length);
	xsmcSetBoolean(xsResult, ringPut(ring, bytes, length));
}

/** The result stays undefined when there is no message. */
static void takeFrom(xsMachine *the, Ring *ring)
{
	int length = ringNext(ring);
	uint8_t *bytes;

	if (length < 0)
		return;
	bytes = xsmcSetArrayBuffer(xsResult, NULL, length);
	ringTake(ring, bytes, (uint32_t)length);
}

void xs_sealmeter_neighbour_post(xsMachine *the)
{
	putInto(the, &ownNeighbour(the)->toNetwork);
}

void xs_sealmeter_neighbour_poll(xsMachine *the)
{
	takeFrom(the, &ownNeighbour(the)->toUnit);
}

void xs_sealmeter_neighbour_get_alive(xsMachine *the)
{
	xsmcSetBoolean(xsResult, ownNeighbour(the)->state != PARKED);
}

void xs_sealmeter_neighbour_close(xsMachine *the)
{
	Neighbour *neighbour = xsmcGetHostData(xsThis);

	if (!neighbour)
		return;
	ownNeighbour(the);
	xsmcSetHostData(xsThis, NULL);
	xsmcSetHostDestructor(xsThis, NULL);
	xs_sealmeter_neighbour_destructor(neighbour);
}

/** The neighbour, if it is its own machine that asks: the first machine has no port. */
static Neighbour *callingNeighbour(xsMachine *the)
{
	if (!gNeighbour || gNeighbour->the != the)
		xsUnknownError("this machine has no port");
	return gNeighbour;
}

void xs_sealmeter_port_post(xsMachine *the)
{
	putInto(the, &callingNeighbour(the)->toUnit);
}

void xs_sealmeter_port_poll(xsMachine *the)
{
	takeFrom(the, &callingNeighbour(the)->toNetwork);
}
