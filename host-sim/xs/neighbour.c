/*
 * The network side as a second XS machine in the same process, as a Worker is on the device: its own arena,
 * its own part of the C stack, a budget of work for every run, and bytes copied both ways as its only tie to
 * the unit. Whatever it does, the unit's machine goes on: a neighbour that throws, loops, or exhausts what it
 * was given is dead, and all that it had is given back. It has no `board`.
 *
 * Its work is bounded twice, and by counting, so that a run ends at the same place every time: bytecodes by
 * XS's own meter, native loops (regular expressions, sorting, strings, BigInt, JSON ...) by the blocks of
 * compiled code that they pass, for which engine.ts compiles them with -fsanitize-coverage=trace-pc. Garbage
 * collections are charged as a whole (host.c). Not interruptible are single calls of the C library (memmove,
 * strstr, pow ...), each linear in the arena or constant, and the parser, which is linear in its source.
 */
#include "board.h"

#define MESSAGES_MAX 16
#define MESSAGE_BYTES_MAX 4096
#define ARENA_BYTES_MIN (32 * 1024)
#define ARENA_BYTES_MAX (1024 * 1024)
/** C stack that it may use. */
#define STACK_BYTES (128 * 1024)
#define COMPUTRONS_MAX 0x7fffffff
/** Native blocks allowed for each computron, and besides for a few collections; ordinary programs take 3 to 5. */
#define BLOCKS_PER_COMPUTRON 64
#define BLOCKS_BESIDES 1000000

typedef struct {
	size_t length;
	uint8_t bytes[MESSAGE_BYTES_MAX];
} Message;

typedef struct {
	size_t first, count;
	Message messages[MESSAGES_MAX];
} Queue;

typedef struct {
	Host host;
	jmp_buf exit;
	txMachine *the;
	void *arena;
	size_t arenaBytes;
	txU4 computronsMax;
	bool isImported;
	char module[HOST_NAME_BYTES_MAX];
	Queue toNeighbour, toUnit;
} Neighbour;

/** The one neighbour, or NULL. */
static Neighbour *neighbour;
static enum HostExit lastExit = HOST_OK;

/** Called from every block of XS's natives. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void) {
	hostSpend(1);
}

static bool enqueue(Queue *queue, const uint8_t *bytes, size_t length) {
	if (queue->count == MESSAGES_MAX) return false;
	Message *message = &queue->messages[(queue->first + queue->count) % MESSAGES_MAX];
	message->length = length;
	memcpy(message->bytes, bytes, length);
	queue->count++;
	return true;
}

static const Message *dequeue(Queue *queue) {
	if (queue->count == 0) return NULL;
	const Message *message = &queue->messages[queue->first];
	queue->first = (queue->first + 1) % MESSAGES_MAX;
	queue->count--;
	return message;
}

static void returnBoolean(txMachine *the, bool value) {
	mxResult->kind = XS_BOOLEAN_KIND;
	mxResult->value.boolean = value;
}

static void returnText(txMachine *the, char *constant) {
	mxResult->kind = XS_STRING_X_KIND;
	mxResult->value.string = constant;
}

/** Queues the bytes of the first argument; false if the queue is full. */
static void post(txMachine *the, Queue *queue) {
	size_t length;
	const uint8_t *bytes = hostBytes(the, 0, false, &length);
	if (length > MESSAGE_BYTES_MAX) mxRangeError("a message has at most 4,096 bytes");
	returnBoolean(the, enqueue(queue, bytes, length));
}

/* In the neighbour's machine */

static void unitPostMessage(txMachine *the) {
	post(the, &neighbour->toUnit);
}

static const HostNative unitNatives[] = {{unitPostMessage, 1, "postMessage"}};

/** Calls a handler that the program has put on `unit`, if it has; what it throws ends the machine. */
static void callHandler(txMachine *the, const char *name, const Message *message) {
	fxBeginHost(the);
	{
		mxTry(the) {
			mxPushSlot(&mxGlobal);
			mxGetID(fxNewNameC(the, "unit"));
			if (mxIsReference(the->stack)) {
				mxDub();
				mxGetID(fxNewNameC(the, (txString)name));
				if (mxIsReference(the->stack) && mxIsCallable(the->stack->value.reference)) {
					mxCall();
					if (message) hostPushBytes(the, message->bytes, message->length);
					mxRunCount(message ? 1 : 0);
				}
			}
			hostRunJobs(the);
		}
		mxCatch(the) {
			fxAbort(the, XS_UNHANDLED_EXCEPTION_EXIT);
		}
	}
	fxEndHost(the);
}

static void createMachine(Neighbour *self) {
	self->the = hostCreate(&self->host, self->arena, self->arenaBytes);
	if (self->the == NULL) fxAbort(NULL, XS_NOT_ENOUGH_MEMORY_EXIT);
	hostDefine(self->the, "unit", unitNatives, sizeof unitNatives / sizeof *unitNatives);
}

static txBoolean endBudget(txMachine *the, txU4 index) {
	(void)the, (void)index;
	return 0;
}

static void runOnce(Neighbour *self) {
	txMachine *the = self->the;
	the->stackLimit = self->host.stackLimit;
	fxBeginMetering(the, endBudget, self->computronsMax);
	hostFuel = (int64_t)self->computronsMax * BLOCKS_PER_COMPUTRON + BLOCKS_BESIDES;
	if (!self->isImported) {
		hostImport(the, self->module);
		if (self->host.hasFailed) fxAbort(the, XS_UNHANDLED_EXCEPTION_EXIT);
		self->isImported = true;
	}
	for (size_t left = self->toNeighbour.count; left > 0; left--) {
		callHandler(the, "onmessage", dequeue(&self->toNeighbour));
	}
	callHandler(the, "onidle", NULL);
}

/* In the unit's machine */

static void forget(Neighbour *self) {
	if (self == NULL) return;
	hostDelete(&self->host);
	free(self->arena);
	free(self);
	neighbour = NULL;
}

/** Works in the neighbour's machine until it is done or dead; the unit's is as it was. */
static bool inside(Neighbour *self, void (*work)(Neighbour *)) {
	Host *const unit = hostCurrent;
	char *const lowest = (char *)__builtin_frame_address(0) - STACK_BYTES;
	self->host.stackLimit = lowest > unit->stackLimit ? lowest : unit->stackLimit;
	self->host.exit = &self->exit;
	self->host.onlyModule = self->module;
	hostCurrent = &self->host;
	if (setjmp(self->exit) == 0) work(self);
	else lastExit = self->host.status;
	hostCurrent = unit;
	hostFuel = INT64_MAX;
	if (lastExit == HOST_OK) return true;
	forget(self);
	return false;
}

/**
 * start(arenaBytes, moduleName): a new machine in the place of an old one, which imports the module when it
 * first runs; false if the arena is too small. 64-bit slots are twice as large, so an arena must be.
 */
static void neighbourStart(txMachine *the) {
	const double bytes = hostWhole(the, 0, ARENA_BYTES_MAX);
	const char *name = hostText(the, 1);
	if (bytes < ARENA_BYTES_MIN) mxRangeError("an arena has 32 KiB to 1 MiB");
	if (strlen(name) >= HOST_NAME_BYTES_MAX || !boardHasModule(name)) mxRangeError("there is no such module");
	forget(neighbour);
	lastExit = HOST_OK;
	neighbour = calloc(1, sizeof *neighbour);
	void *arena = malloc((size_t)bytes);
	if (neighbour == NULL || arena == NULL) {
		free(neighbour);
		free(arena);
		neighbour = NULL;
		mxRangeError("there is no memory for a neighbour");
	}
	neighbour->arena = arena;
	neighbour->arenaBytes = (size_t)bytes;
	strcpy(neighbour->module, name);
	returnBoolean(the, inside(neighbour, createMachine));
}

/** post(bytes): queues a copy; false if the queue is full or there is no neighbour. */
static void neighbourPost(txMachine *the) {
	if (neighbour) post(the, &neighbour->toNeighbour);
	else returnBoolean(the, false);
}

/** run(computronsMax): "idle" when it has done all that there was to do, "dead" if it is no more. */
static void neighbourRun(txMachine *the) {
	const double computronsMax = hostWhole(the, 0, COMPUTRONS_MAX);
	if (computronsMax < 1) mxRangeError("a run takes computrons");
	if (neighbour) neighbour->computronsMax = (txU4)computronsMax;
	returnText(the, neighbour && inside(neighbour, runOnce) ? "idle" : "dead");
}

/** poll(): the next message that it sent, or undefined. */
static void neighbourPoll(txMachine *the) {
	const Message *message = neighbour ? dequeue(&neighbour->toUnit) : NULL;
	if (message == NULL) return;
	hostPushBytes(the, message->bytes, message->length);
	mxPullSlot(mxResult);
}

/** reason(): why the last one died, or an empty text. */
static void neighbourReason(txMachine *the) {
	switch (lastExit) {
	case HOST_OK: return returnText(the, "");
	case HOST_UNCAUGHT: return returnText(the, "uncaught exception");
	case HOST_ARENA_EXHAUSTED: return returnText(the, "arena exhausted");
	case HOST_STACK_OVERFLOW: return returnText(the, "stack overflow");
	case HOST_BUDGET_SPENT: return returnText(the, "budget spent");
	default: return returnText(the, "fault");
	}
}

static void neighbourStop(txMachine *the) {
	(void)the;
	forget(neighbour);
	lastExit = HOST_OK;
}

static const HostNative neighbourNatives[] = {
	{neighbourStart, 2, "start"},
	{neighbourPost, 1, "post"},
	{neighbourRun, 1, "run"},
	{neighbourPoll, 0, "poll"},
	{neighbourReason, 0, "reason"},
	{neighbourStop, 0, "stop"},
};

void neighbourDefine(txMachine *the) {
	hostDefine(the, "neighbour", neighbourNatives, sizeof neighbourNatives / sizeof *neighbourNatives);
}
