/*
 * Runs XS in a fixed arena and gives a program the natives of its board. It is the same on every board: it
 * calls no operating system and keeps no state outside of its machines but the armed power cut. Memory is
 * hard: chunks grow up, slots grow down, garbage is collected only when they come near each other (so that all
 * that is free is headroom), and a machine for which that is not enough ends.
 */
#include "board.h"

/** Slots of the XS stack: calls, arguments and locals; importing the bundled unit takes nearly 800 of them. */
#define STACK_SLOTS 1024
/** Free slots that a compaction leaves in place. */
#define RESERVE_SLOTS 64
#define INITIAL_CHUNK_BYTES 1024
/** While the gap is more than this part of the arena, slots grow without a collection first. */
#define SPACIOUS_PART 4
/** A collection that frees less than this part of the slots lets them grow. */
#define ENOUGH_PART 8
/** Chunks leave this part of the arena to slots, for only they can be compacted. */
#define RESERVE_PART 32
/** Slots that a growth adds: XS asks for as many while it may not collect by itself. */
#define GROWTH_SLOTS 64
/** Most that XS may take by malloc while it runs, bytes, code not counted, and while it parses a module. */
#define BLOCK_BYTES_MAX (48 * 1024)
#define PARSER_BYTES_MAX (16 * 1024 * 1024)
#define PARSER_BUFFER_BYTES (32 * 1024)
/** Names that a growth of their table adds, and that it has room for beyond those that are known beforehand. */
#define KEYS_GROWTH 64
/** A collection is charged a block of work for each slot, and for as many bytes of chunks. */
#define CHUNK_BYTES_A_BLOCK 64
#define METER_INTERVAL 0x40000000u
#define SECTOR_BYTES 4096
#define PROGRAM_BYTES 16
#define FILE_NAME_MAX 32

/** Of XS, without a declaration in its headers. */
extern void fxGrowSlots(txMachine *the, txSize count);
extern txInteger _xsmcGetBuffer(txMachine *, txSlot *, void **, txUnsigned *, txBoolean);

Host *hostCurrent;
int64_t hostFuel = INT64_MAX;

/** XS's own, but for the functions' names and lengths (platform.h) and without memory to share. */
const txDefaults gxDefaults = {
	.newAsyncInstance = fxNewAsyncInstance,
	.runAsync = fxRunAsync,
	.newGeneratorInstance = fxNewGeneratorInstance,
	.newGeneratorFunctionInstance = fxNewGeneratorFunctionInstance,
	.newAsyncGeneratorInstance = fxNewAsyncGeneratorInstance,
	.newAsyncGeneratorFunctionInstance = fxNewAsyncGeneratorFunctionInstance,
	.runForAwaitOf = fxRunForAwaitOf,
	.newArgumentsSloppyInstance = fxNewArgumentsSloppyInstance,
	.newArgumentsStrictInstance = fxNewArgumentsStrictInstance,
	.runEval = fxRunEval,
	.runEvalEnvironment = fxRunEvalEnvironment,
	.runProgramEnvironment = fxRunProgramEnvironment,
	.runImport = fxRunImport,
	.definePrivateProperty = fxDefinePrivateProperty,
	.getPrivateProperty = fxGetPrivateProperty,
	.setPrivateProperty = fxSetPrivateProperty,
	.cleanupFinalizationRegistries = fxCleanupFinalizationRegistries,
	.captureErrorStack = fxCaptureErrorStack,
};

/* Blocks of malloc */

typedef struct HostBlock {
	struct HostBlock *next, *previous;
	size_t bytes;
} Block;

/** A block's head, padded so that what follows is aligned for any type. */
#define HEAD_BYTES ((sizeof(Block) + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t))

void *hostMalloc(size_t bytes) {
	Host *host = hostCurrent;
	if (bytes > host->blockBytesMax - host->blockBytes) fxAbort(NULL, XS_NOT_ENOUGH_MEMORY_EXIT);
	Block *block = malloc(HEAD_BYTES + bytes);
	if (block == NULL) fxAbort(NULL, XS_NOT_ENOUGH_MEMORY_EXIT);
	block->bytes = bytes;
	block->previous = NULL;
	block->next = host->blocks;
	if (block->next) block->next->previous = block;
	host->blocks = block;
	host->blockBytes += bytes;
	if (host->blockBytesPeak < host->blockBytes) host->blockBytesPeak = host->blockBytes;
	return (uint8_t *)block + HEAD_BYTES;
}

void *hostCalloc(size_t count, size_t bytes) {
	if (bytes != 0 && count > SIZE_MAX / bytes) fxAbort(NULL, XS_NOT_ENOUGH_MEMORY_EXIT);
	return memset(hostMalloc(count * bytes), 0, count * bytes);
}

void *hostRealloc(void *data, size_t bytes) {
	if (data == NULL) return hostMalloc(bytes);
	const size_t old = ((Block *)((uint8_t *)data - HEAD_BYTES))->bytes;
	void *grown = memcpy(hostMalloc(bytes), data, old < bytes ? old : bytes);
	hostFree(data);
	return grown;
}

void hostFree(void *data) {
	if (data == NULL) return;
	Host *host = hostCurrent;
	Block *block = (Block *)((uint8_t *)data - HEAD_BYTES);
	if (block->next) block->next->previous = block->previous;
	if (block->previous) block->previous->next = block->next;
	else host->blocks = block->next;
	host->blockBytes -= block->bytes;
	free(block);
}

/* The arena */

/** Gives the free end of the chunks back to the gap. */
static void trimChunks(Host *host, txMachine *the) {
	txBlock *block = the->firstBlock;
	if (block == NULL || block->limit != (txByte *)host->low) return;
	the->maximumChunksSize -= (txSize)(block->limit - block->current);
	block->limit = block->current;
	host->low = (uint8_t *)block->current;
}

/**
 * Gives the free low end of the slots back to the gap, but for a reserve. Right after a collection the list of
 * free slots falls in address, so that end is its tail, and new slots come from the other end.
 */
static void trimSlots(Host *host, txMachine *the) {
	txSlot *heap = the->firstHeap, *run = NULL, *beforeRun = NULL, *previous = NULL;
	if ((uint8_t *)heap != host->high) return;
	txSize isolated = 0, length = 0;
	for (txSlot *slot = the->freeHeap; slot; previous = slot, slot = slot->next) {
		if (previous && previous == slot + 1) {
			length++;
			continue;
		}
		isolated += length;
		run = slot;
		beforeRun = previous;
		length = 1;
	}
	if (run == NULL || previous != heap + 1) return;
	txSize kept = isolated < RESERVE_SLOTS ? RESERVE_SLOTS - isolated : 0;
	if (length <= kept) return;
	for (txSlot *slot = run; kept > 0; kept--, slot = slot->next) beforeRun = slot;
	txSlot *header = beforeRun && beforeRun <= run ? beforeRun - 1 : run;
	const txSize given = (txSize)(header - heap);
	*header = *heap;
	if (beforeRun) beforeRun->next = NULL;
	else the->freeHeap = NULL;
	the->firstHeap = header;
	the->maximumHeapCount -= given;
	host->high = (uint8_t *)header;
}

/** XS never collects by itself: it may only while this runs. */
static void collect(txMachine *the, txFlag how) {
	Host *host = hostCurrent;
	the->collectFlag |= XS_COLLECTING_FLAG;
	fxCollect(the, how);
	the->collectFlag &= ~XS_COLLECTING_FLAG;
	hostSpend(the->maximumHeapCount + the->maximumChunksSize / CHUNK_BYTES_A_BLOCK);
	if (!(how & XS_COMPACT_FLAG)) return;
	trimChunks(host, the);
	trimSlots(host, the);
	const size_t live = (size_t)the->currentChunksSize + (size_t)the->currentHeapCount * sizeof(txSlot);
	if (host->livePeak < live) host->livePeak = live;
}

static size_t gapOf(const Host *host) {
	return (size_t)(host->high - host->low);
}

static txSize freeSlots(const txMachine *the) {
	return the->maximumHeapCount - the->currentHeapCount;
}

void *fxAllocateChunks(txMachine *the, txSize size) {
	Host *host = hostCurrent;
	trimChunks(host, the);
	if (host->isReady && gapOf(host) < (size_t)size + host->reserve) {
		collect(the, XS_COMPACT_FLAG | XS_ORGANIC_FLAG);
		const size_t most = (size_t)(host->top - host->base) / RESERVE_PART;
		host->reserve = gapOf(host) / 2 < most ? gapOf(host) / 2 : most;
	}
	if (gapOf(host) < (size_t)size) return NULL;
	void *chunks = host->low;
	host->low += size;
	return chunks;
}

void fxFreeChunks(txMachine *the, void *chunks) {
	(void)the;
	(void)chunks;
}

txSlot *fxAllocateSlots(txMachine *the, txSize count) {
	Host *host = hostCurrent;
	const size_t bytes = (size_t)count * sizeof(txSlot);
	if (host->isReady && gapOf(host) < (size_t)(host->top - host->base) / SPACIOUS_PART) {
		collect(the, XS_ORGANIC_FLAG);
		if (freeSlots(the) > the->maximumHeapCount / ENOUGH_PART) return (txSlot *)-1; // XS: look again
		trimChunks(host, the);
	}
	if (gapOf(host) < bytes) return host->isReady && the->freeHeap ? (txSlot *)-1 : NULL;
	host->high -= bytes;
	return (txSlot *)host->high;
}

void fxFreeSlots(txMachine *the, void *slots) {
	(void)the;
	(void)slots;
}

size_t hostCollect(txMachine *the) {
	collect(the, XS_COMPACT_FLAG);
	return (size_t)the->currentChunksSize + (size_t)the->currentHeapCount * sizeof(txSlot);
}

/* What XS asks of its platform */

void fxCreateMachinePlatform(txMachine *the) { (void)the; }
void fxDeleteMachinePlatform(txMachine *the) { (void)the; }
char *fxCStackLimit(void) { return hostCurrent->stackLimit; }

void fxQueuePromiseJobs(txMachine *the) {
	(void)the;
	hostCurrent->hasJobs = true;
}

/** There are no threads, so there is no memory to share and nothing to wait for. */
void fxInitializeSharedCluster(void) {}
void fxTerminateSharedCluster(void) {}
void *fxCreateSharedChunk(txInteger size) { (void)size; return NULL; }
void fxLockSharedChunk(void *data) { (void)data; }
void fxLinkSharedChunk(txMachine *the) { mxTypeError("nothing to wait for"); }
txInteger fxMeasureSharedChunk(void *data) { (void)data; return 0; }
txInteger fxNotifySharedChunk(txMachine *the, void *data, txInteger offset, txInteger count) {
	(void)the, (void)data, (void)offset, (void)count;
	return 0;
}
void *fxRetainSharedChunk(void *data) { (void)data; return NULL; }
void fxReleaseSharedChunk(void *data) { (void)data; }
void fxUnlinkSharedChunk(txMachine *the) { (void)the; }
void fxUnlockSharedChunk(void *data) { (void)data; }
txInteger fxWaitSharedChunk(txMachine *the, void *address, txNumber timeout) {
	(void)the, (void)address, (void)timeout;
	return 0;
}

static void printException(txMachine *the, txSlot *exception) {
	mxPushSlot(exception);
	boardPrint("uncaught:");
	boardPrint(fxToString(the, the->stack));
	mxPop();
}

/** Ends the running machine: the neighbour's caller takes over, or the board exits. */
void fxAbort(txMachine *the, int status) {
	Host *host = hostCurrent;
	switch (status) {
	case XS_NOT_ENOUGH_MEMORY_EXIT:
	case XS_NO_MORE_KEYS_EXIT:
		host->status = HOST_ARENA_EXHAUSTED;
		break;
	case XS_STACK_OVERFLOW_EXIT:
		host->status = HOST_STACK_OVERFLOW;
		break;
	case XS_TOO_MUCH_COMPUTATION_EXIT:
		host->status = HOST_BUDGET_SPENT;
		break;
	case XS_UNHANDLED_EXCEPTION_EXIT:
	case XS_UNHANDLED_REJECTION_EXIT:
		if (host->exit == NULL && host->status == HOST_OK) {
			host->status = HOST_UNCAUGHT;
			printException(the, &mxException);
		}
		host->status = HOST_UNCAUGHT;
		break;
	default:
		host->status = HOST_FAULT;
	}
	if (host->exit) longjmp(*host->exit, 1);
	if (host->status == HOST_ARENA_EXHAUSTED) boardPrint("the arena is exhausted");
	if (host->status == HOST_STACK_OVERFLOW) boardPrint("the stack overflowed");
	boardExit((int)host->status);
}

void hostSpentFuel(void) {
	hostFuel = INT64_MAX;
	fxAbort(NULL, XS_TOO_MUCH_COMPUTATION_EXIT);
}

/* Bytecode */

/** gxCodeSizes: the size of an instruction, 0 for one with a name, or minus the size of the length that follows. */
txByte *hostNextCode(txByte *code) {
	const txS1 size = gxCodeSizes[*(txU1 *)code++];
	if (size > 0) return code + size - 1;
	if (size == 0) return code + sizeof(txID);
	if (size == -1) return code + 1 + *(txU1 *)code;
	if (size == -2) {
		txU2 length;
		mxDecode2(code, length);
		return code + length;
	}
	txS4 length;
	mxDecode4(code, length);
	return code + length;
}

#ifdef mxParse

/** Whether an instruction names a variable or a function, which nobody but a debugger asks for. */
static bool isLabel(txU1 code) {
	switch (code) {
	case XS_CODE_ASYNC_FUNCTION:
	case XS_CODE_ASYNC_GENERATOR_FUNCTION:
	case XS_CODE_CONSTRUCTOR_FUNCTION:
	case XS_CODE_FUNCTION:
	case XS_CODE_GENERATOR_FUNCTION:
	case XS_CODE_NAME:
	case XS_CODE_NEW_CLOSURE:
	case XS_CODE_NEW_LOCAL:
		return true;
	default:
		return false;
	}
}

/** Whether an instruction finds variables by their names. */
static bool isSearch(txU1 code) {
	return code == XS_CODE_EVAL || code == XS_CODE_EVAL_TAIL || code == XS_CODE_EVAL_REFERENCE ||
		code == XS_CODE_EVAL_PRIVATE || code == XS_CODE_WITH;
}

/** Counts in `places` the uses of names by more than labels. False if the names of variables are looked for. */
static bool countUses(const txScript *script, txID *places) {
	const txByte *end = script->codeBuffer + script->codeSize;
	for (txByte *next = script->codeBuffer; next < end; next = hostNextCode(next)) {
		const txU1 code = *(txU1 *)next;
		if (isSearch(code)) return false;
		if (gxCodeSizes[code] != 0 || isLabel(code)) continue;
		txByte *operand = next + 1;
		txID name;
		mxDecodeID(operand, name);
		places[name] = 1;
	}
	return true;
}

/** Takes the names that only label something out of a module: every name is a slot of the arena. */
static void dropLabels(txScript *script) {
	txS1 *from = script->symbolsBuffer;
	txID count;
	mxDecodeID(from, count);
	txID *places = hostCalloc(count, sizeof *places);
	if (countUses(script, places)) {
		txID kept = 1;
		txS1 *to = from;
		for (txID at = 1; at < count; at++) {
			const size_t length = strlen((char *)from) + 1;
			// A private name is told from another by its label.
			const bool isKept = places[at] || *from == '#';
			places[at] = isKept ? kept++ : XS_NO_ID;
			if (isKept) memmove(to, from, length);
			if (isKept) to += length;
			from += length;
		}
		places[0] = XS_NO_ID;
		const txByte *end = script->codeBuffer + script->codeSize;
		for (txByte *next = script->codeBuffer; next < end; next = hostNextCode(next)) {
			if (gxCodeSizes[*(txU1 *)next] != 0) continue;
			txByte *operand = next + 1;
			txID name;
			mxDecodeID(operand, name);
			operand = next + 1;
			mxEncodeID(operand, places[name]);
		}
		txS1 *head = script->symbolsBuffer;
		mxEncodeID(head, kept);
	}
	hostFree(places);
}

extern txScript *fxParseScriptOfXs(txMachine *the, void *stream, txGetter getter, txUnsigned flags);

txScript *fxParseScript(txMachine *the, void *stream, txGetter getter, txUnsigned flags) {
	txScript *script = fxParseScriptOfXs(the, stream, getter, flags);
	const bool isModule = flags == 0;
	if (isModule && script && script->codeBuffer && script->symbolsBuffer) dropLabels(script);
	return script;
}

#else

txScript *fxParseScript(txMachine *the, void *stream, txGetter getter, txUnsigned flags) {
	(void)stream, (void)getter, (void)flags;
	mxSyntaxError("there is no parser");
	return NULL;
}

#endif

/** Modules have flat names; a specifier is a name. */
txID fxFindModule(txMachine *the, txSlot *realm, txID moduleID, txSlot *slot) {
	char name[HOST_NAME_BYTES_MAX];
	(void)realm, (void)moduleID;
	fxToStringBuffer(the, slot, name, sizeof name);
	const char *only = hostCurrent->onlyModule;
	if (only && strcmp(name, only) != 0) return XS_NO_ID;
	return boardHasModule(name) ? fxNewNameC(the, name) : XS_NO_ID;
}

void fxLoadModule(txMachine *the, txSlot *module, txID moduleID) {
	Host *host = hostCurrent;
	const size_t max = host->blockBytesMax, before = host->blockBytes;
	host->blockBytesMax = PARSER_BYTES_MAX;
	txScript *script = boardScript(the, fxGetKeyName(the, moduleID));
	host->blockBytesMax = max + (host->blockBytes - before);
	host->blockBytesPeak = 0;
	if (script) fxResolveModule(the, module, moduleID, script, NULL, NULL);
}

/* Machines */

#ifdef mxMetering
static txBoolean countComputrons(txMachine *the, txU4 index) {
	hostCurrent->computrons += index;
	the->meterIndex = 0;
	return 1;
}
#endif

uint64_t hostComputrons(txMachine *the) {
#ifdef mxMetering
	return hostCurrent->computrons + the->meterIndex;
#else
	(void)the;
	return 0;
#endif
}

/** How every machine is made; a clone has the names of its root, so it needs room for few of its own. */
static const txCreation creationOfAll = {
	.initialChunkSize = INITIAL_CHUNK_BYTES,
	.incrementalChunkSize = PROGRAM_BYTES,
	.initialHeapCount = GROWTH_SLOTS,
	.incrementalHeapCount = GROWTH_SLOTS,
	.stackCount = STACK_SLOTS,
	.initialKeyCount = XS_ID_COUNT + KEYS_GROWTH,
	.incrementalKeyCount = KEYS_GROWTH,
	.nameModulo = 127,
	.symbolModulo = 127,
	.parserBufferSize = PARSER_BUFFER_BYTES,
	.parserTableModulo = 1993,
};

static void layOut(Host *host, void *arena, size_t bytes) {
	const size_t slotBytes = bytes / sizeof(txSlot) * sizeof(txSlot);
	*host = (Host){
		.base = arena,
		.low = arena,
		.high = (uint8_t *)arena + slotBytes,
		.top = (uint8_t *)arena + slotBytes,
		.blockBytesMax = BLOCK_BYTES_MAX,
		.stackLimit = host->stackLimit,
		.keyCount = host->keyCount,
		.onlyModule = host->onlyModule,
		.exit = host->exit,
	};
	hostCurrent = host;
}

static txMachine *makeReady(Host *host, txMachine *the) {
	if (the == NULL) return NULL;
	the->collectFlag &= ~XS_COLLECTING_FLAG;
	host->isReady = true;
#ifdef mxMetering
	fxBeginMetering(the, countComputrons, METER_INTERVAL);
#endif
	return the;
}

txMachine *hostCreate(Host *host, void *arena, size_t bytes) {
	txCreation creation = creationOfAll;
	creation.initialKeyCount += (txSize)host->keyCount;
	layOut(host, arena, bytes);
	return makeReady(host, fxCreateMachine(&creation, "machine", NULL, XS_NO_ID));
}

txMachine *hostClone(Host *host, txMachine *root, void *arena, size_t bytes) {
	txCreation creation = creationOfAll;
	creation.initialKeyCount = KEYS_GROWTH;
	layOut(host, arena, bytes);
	return makeReady(host, fxCloneMachine(&creation, root, "machine", NULL));
}

void hostDelete(Host *host) {
	while (host->blocks) {
		Block *block = host->blocks;
		host->blocks = block->next;
		free(block);
	}
	host->blockBytes = 0;
}

void hostRunJobs(txMachine *the) {
	Host *host = hostCurrent;
	while (host->hasJobs) {
		host->hasJobs = false;
		fxRunPromiseJobs(the);
	}
}

static void importFulfilled(txMachine *the) {
	(void)the;
	hostCurrent->isSettled = true;
}

static void importRejected(txMachine *the) {
	Host *host = hostCurrent;
	host->isSettled = host->hasFailed = true;
	if (host->exit == NULL) printException(the, mxArgv(0));
}

bool hostImport(txMachine *the, const char *name) {
	Host *host = hostCurrent;
	host->isSettled = host->hasFailed = false;
	fxBeginHost(the);
	{
		mxTry(the) {
			txSlot *realm = mxModuleInstanceInternal(mxProgram.value.reference)->value.module.realm;
			mxPushUndefined();
			fxString(the, the->stack, (txString)name);
			fxRunImport(the, realm, XS_NO_ID);
			mxDub();
			mxGetID(mxID(_then));
			mxCall();
			fxNewHostFunction(the, importFulfilled, 0, XS_NO_ID, XS_NO_ID);
			fxNewHostFunction(the, importRejected, 1, XS_NO_ID, XS_NO_ID);
			mxRunCount(2);
			mxPop();
			hostRunJobs(the);
			if (host->exit == NULL) fxCheckUnhandledRejections(the, 1);
		}
		mxCatch(the) {
			host->isSettled = host->hasFailed = true;
			if (host->exit == NULL) printException(the, &mxException);
		}
	}
	fxEndHost(the);
	if (host->isSettled) return !host->hasFailed;
	if (host->exit == NULL) boardPrint("the program waits for what never comes");
	return false;
}

/* Natives */

void hostDefine(txMachine *the, const char *global, const HostNative *natives, size_t count) {
	fxBeginHost(the);
	mxPush(mxObjectPrototype);
	fxNewObjectInstance(the);
	txSlot *object = the->stack;
	for (size_t at = 0; at < count; at++) {
		const txID name = fxNewNameC(the, (txString)natives[at].name);
		fxNewHostFunction(the, natives[at].call, natives[at].length, name, XS_NO_ID);
		mxPushSlot(object);
		mxSetID(name);
		mxPop();
	}
	mxPushSlot(&mxGlobal);
	mxSetID(fxNewNameC(the, (txString)global));
	mxPop();
	fxEndHost(the);
}

double hostWhole(txMachine *the, int argument, double max) {
	const double value = mxArgc > argument ? fxToNumber(the, mxArgv(argument)) : -1;
	if (!(value >= 0 && value <= max && value == floor(value))) {
		mxRangeError("argument %ld is no whole number in range", (long)argument + 1);
	}
	return value;
}

uint8_t *hostBytes(txMachine *the, int argument, bool isWritten, size_t *length) {
	void *data = NULL;
	txUnsigned count = 0;
	if (mxArgc <= argument) mxTypeError("argument %ld is missing", (long)argument + 1);
	_xsmcGetBuffer(the, mxArgv(argument), &data, &count, isWritten);
	*length = count;
	return data;
}

char *hostText(txMachine *the, int argument) {
	if (mxArgc <= argument) mxTypeError("argument %ld is missing", (long)argument + 1);
	return fxToString(the, mxArgv(argument));
}

void hostPushBytes(txMachine *the, const uint8_t *bytes, size_t length) {
	mxPush(mxUint8ArrayConstructor);
	mxNew();
	mxPushInteger((txInteger)length);
	mxRunCount(1);
	void *data = NULL;
	txUnsigned count = 0;
	_xsmcGetBuffer(the, the->stack, &data, &count, 1);
	memcpy(data, bytes, count < length ? count : length);
}

static void returnNumber(txMachine *the, double value) {
	mxResult->kind = XS_NUMBER_KIND;
	mxResult->value.number = value;
}

/** Bytes that are still programmed before the plug is pulled; negative when no cut is armed. */
static int64_t untilCut = -1;

static void boardCutAfter(txMachine *the) {
	const double bytes = mxArgc > 0 ? fxToNumber(the, mxArgv(0)) : -1;
	if (!(fabs(bytes) <= INT32_MAX)) mxRangeError("a cut comes within 2 GB of programming");
	untilCut = bytes < 0 ? -1 : (int64_t)bytes;
}

static void boardSectors(txMachine *the) {
	size_t bytes;
	boardFlash(&bytes);
	returnNumber(the, (double)(bytes / SECTOR_BYTES));
}

static void boardRead(txMachine *the) {
	size_t size, length;
	const uint8_t *cells = boardFlash(&size);
	const size_t address = (size_t)hostWhole(the, 0, (double)size);
	uint8_t *into = hostBytes(the, 1, true, &length);
	if (length > size - address) mxRangeError("the bytes do not lie in the flash");
	memcpy(into, cells + address, length);
}

static void boardProgram(txMachine *the) {
	size_t size, length;
	uint8_t *cells = boardFlash(&size);
	const size_t address = (size_t)hostWhole(the, 0, (double)size);
	const uint8_t *bytes = hostBytes(the, 1, false, &length);
	if (length > size - address) mxRangeError("the bytes do not lie in the flash");
	if (address % PROGRAM_BYTES != 0 || length % PROGRAM_BYTES != 0) mxRangeError("a program is of whole blocks");
	const bool isCut = untilCut >= 0 && (uint64_t)untilCut < length;
	const size_t whole = isCut ? (size_t)untilCut : length;
	for (size_t at = 0; at < whole; at++) cells[address + at] &= bytes[at];
	if (isCut) boardPullPlug();
	if (untilCut >= 0) untilCut -= (int64_t)whole;
}

static void boardErase(txMachine *the) {
	size_t size;
	uint8_t *cells = boardFlash(&size);
	const size_t sector = (size_t)hostWhole(the, 0, (double)(size / SECTOR_BYTES) - 1);
	memset(cells + sector * SECTOR_BYTES, 0xff, SECTOR_BYTES);
}

static void boardRomOf(txMachine *the) {
	size_t bytes;
	const uint8_t *data = boardRom(hostText(the, 0), &bytes);
	if (data == NULL || bytes > INT32_MAX) mxRangeError("there is no such read-only data");
	fxNewHostObject(the, NULL);
	fxSetHostBuffer(the, the->stack, (void *)data, (txSize)bytes);
	fxPetrifyHostBuffer(the, the->stack);
	mxPullSlot(mxResult);
}

static bool isFileName(const char *name) {
	const size_t length = strlen(name);
	return length > 0 && length <= FILE_NAME_MAX && name[0] != '.' &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

static void boardWriteTo(txMachine *the) {
	char name[FILE_NAME_MAX + 1];
	const char *text = hostText(the, 0);
	if (!isFileName(text)) mxRangeError("a file's name is of 1 to 32 characters a-z 0-9 . -");
	strcpy(name, text);
	size_t length;
	const uint8_t *bytes = hostBytes(the, 1, false, &length);
	boardWrite(name, bytes, length);
}

static void boardPrintLine(txMachine *the) {
	boardPrint(hostText(the, 0));
}

static void boardInstructionsNow(txMachine *the) {
	returnNumber(the, (double)boardInstructions());
}

static void boardComputrons(txMachine *the) {
	returnNumber(the, (double)hostComputrons(the));
}

static void boardHeap(txMachine *the) {
	returnNumber(the, (double)hostCurrent->livePeak);
}

static void boardCollect(txMachine *the) {
	returnNumber(the, (double)hostCollect(the));
}

static const HostNative boardNatives[] = {
	{boardRomOf, 1, "rom"},
	{boardSectors, 0, "sectors"},
	{boardRead, 2, "read"},
	{boardProgram, 2, "program"},
	{boardErase, 1, "erase"},
	{boardCutAfter, 1, "cutAfter"},
	{boardWriteTo, 2, "write"},
	{boardPrintLine, 1, "print"},
	{boardInstructionsNow, 0, "instructions"},
	{boardComputrons, 0, "computrons"},
	{boardHeap, 0, "heap"},
	{boardCollect, 0, "collect"},
};

void hostDefineBoard(txMachine *the) {
	hostDefine(the, "board", boardNatives, sizeof boardNatives / sizeof *boardNatives);
}
