/*
 * Built-in objects in read-only memory, as on a device whose image is linked ahead of time. At the image's
 * first start a machine is built in the ROM and frozen, and the runner keeps the bytes; every later start finds
 * them there, locked, and clones a machine that shares them. Only the built-ins, the host's natives and the
 * names in the bytecode go in: no module, no BigInt, nothing that a program made.
 */
#include "memory.h"
#include "rom.h"

#define ROM_MAGIC 0x4d4f524d
#define KEYS_MAX 3072
#define TABLE_MAX 256

/** One build of the image, so that no other one takes the ROM for its own: it is full of addresses. */
static const char build[] = IMAGE_BUILD;

typedef struct {
	uint32_t magic;
	char build[sizeof build];
	txMachine machine;
	txSlot *names[TABLE_MAX];
	txSlot *symbols[TABLE_MAX];
	txSlot *keys[KEYS_MAX];
	_Alignas(16) uint8_t arena[];
} Rom;

static Rom *const rom = (Rom *)ROM_ADDRESS;

bool romIsBuilt(void) {
	return rom->magic == ROM_MAGIC && memcmp(rom->build, build, sizeof build) == 0;
}

txMachine *romMachine(void) { return &rom->machine; }

void *romArena(size_t *bytes) {
	*bytes = ROM_BYTES - offsetof(Rom, arena);
	return rom->arena;
}

static void forEachSlot(txMachine *the, void (*visit)(txSlot *)) {
	for (txSlot *heap = the->firstHeap; heap; heap = heap->next) {
		for (txSlot *slot = heap + 1; slot < heap->value.reference; slot++) visit(slot);
	}
}

/**
 * An object in the ROM refuses changes as a frozen one does. It has no number of an alias either: XS would
 * give it a copy in RAM at its first change.
 */
static void freeze(txSlot *slot) {
	if (slot->kind != XS_INSTANCE_KIND) return;
	slot->flag |= XS_DONT_PATCH_FLAG;
	slot->ID = XS_NO_ID;
	for (txSlot *property = slot->next; property; property = property->next) {
		property->flag |= XS_DONT_DELETE_FLAG;
		if (property->kind != XS_ACCESSOR_KIND) property->flag |= XS_DONT_SET_FLAG;
	}
}

/**
 * The collector marks the chunk behind a value of these kinds, even behind a copy of it in RAM; behind a
 * constant it marks nothing.
 */
static void makeConstant(txSlot *slot) {
	switch (slot->kind) {
	case XS_STRING_KIND: slot->kind = XS_STRING_X_KIND; break;
	case XS_BIGINT_KIND: slot->kind = XS_BIGINT_X_KIND; break;
	case XS_CODE_KIND: slot->kind = XS_CODE_X_KIND; break;
	case XS_CALLBACK_KIND: slot->kind = XS_CALLBACK_X_KIND; break;
	case XS_KEY_KIND: slot->kind = XS_KEY_X_KIND; break;
	default: break;
	}
}

/** The global object notes where a property is when it is first asked for it; here it must not write. */
static void askForGlobals(txMachine *the) {
	txSlot *global = mxGlobal.value.reference;
	for (txID id = XS_SYMBOL_ID_COUNT; id < XS_INTRINSICS_COUNT; id++) {
		mxBehaviorGetProperty(the, global, id, 0, XS_ANY);
	}
}

size_t romComplete(txMachine *the) {
	if (the->keyIndex > KEYS_MAX || the->nameModulo > TABLE_MAX || the->symbolModulo > TABLE_MAX) {
		fxAbort(the, XS_NO_MORE_KEYS_EXIT);
	}
	askForGlobals(the);
	forEachSlot(the, freeze);
	/* While XS shares, a collection would free what it still reads: now, so that none is due. */
	hostCollect(the);
	fxShareMachine(the);
	/* Again: sharing makes an object, and numbers those that it takes for changeable. */
	forEachSlot(the, freeze);
	the->aliasCount = 0;
	forEachSlot(the, makeConstant);
	for (txSlot *slot = the->stack; slot < the->stackTop; slot++) makeConstant(slot);
	rom->machine = *the;
	memcpy(rom->names, the->nameTable, (size_t)the->nameModulo * sizeof *rom->names);
	memcpy(rom->symbols, the->symbolTable, (size_t)the->symbolModulo * sizeof *rom->symbols);
	memcpy(rom->keys, the->keyArray, the->keyIndex * sizeof *rom->keys);
	rom->machine.nameTable = rom->names;
	rom->machine.symbolTable = rom->symbols;
	rom->machine.keyArray = rom->keys;
	memcpy(rom->build, build, sizeof build);
	rom->magic = ROM_MAGIC;
	return (size_t)the->currentChunksSize + (size_t)the->currentHeapCount * sizeof(txSlot) +
		(size_t)(the->stackTop - the->stack) * sizeof(txSlot) + sizeof(txMachine) +
		((size_t)the->nameModulo + (size_t)the->symbolModulo + the->keyIndex) * sizeof(txSlot *);
}
