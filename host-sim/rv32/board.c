/*
 * The bare board: RV32IMC in qemu's `virt` machine, with 4 MB of read-only flash, 320 KB of RAM and a NOR
 * journal in a memory of its own whose file outlives the emulator. It locks what must not be written or run,
 * for machine mode too, and gives the host its memory, its data and its way out. It has no parser, no clock and
 * no interrupts; whatever the locks forbid ends the run.
 */
#include "archive.h"
#include "board.h"
#include "memory.h"
#include "rom.h"

/** What the runner has put into the flash (image.ts). */
typedef struct {
	uint32_t magic;
	/** One of MODE_*. */
	uint32_t mode;
	/** 0: all the RAM that there is. */
	uint32_t arenaBytes;
	uint32_t journalBytes;
	uint32_t inputBytes;
	uint8_t input[];
} Boot;
static const Boot *const boot = (const Boot *)BOOT_ADDRESS;

/* From the linker script and from tables.S, which image.ts writes. */
extern const uint8_t textEnd[], tableB[], tableBEnd[], tableBlinding[], tableBlindingEnd[];
extern uint8_t arenaStart[], arenaEnd[], heapStart[], heapEnd[];
extern char stackBottom[];

void *sbrk(ptrdiff_t bytes);
void boardTrap(uint32_t cause, uint32_t address, uint32_t value);

/* Semihosting: files, console and exit of the emulator (RISC-V Semihosting 0.4; ARM's numbers and blocks). */

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_SEEK = 0x0a, SYS_FLEN = 0x0c };
enum { SYS_EXIT_EXTENDED = 0x20, MODE_APPEND_BINARY = 9, STOPPED_APPLICATION_EXIT = 0x20026 };

static long __attribute__((noinline)) semihost(long operation, const void *block) {
	register long a0 __asm__("a0") = operation;
	register const void *a1 __asm__("a1") = block;
	__asm__ volatile(
		".option push\n.option norvc\n.balign 16\n"
		"slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
		: "+r"(a0)
		: "r"(a1)
		: "memory");
	return a0;
}

_Noreturn void boardExit(int code) {
	const long block[] = {STOPPED_APPLICATION_EXIT, code};
	semihost(SYS_EXIT_EXTENDED, block);
	for (;;) {}
}

void boardPrint(const char *line) {
	semihost(SYS_WRITE0, line);
	semihost(SYS_WRITE0, "\n");
}

_Noreturn static void fail(const char *what) {
	boardPrint(what);
	boardExit(EXIT_BOARD);
}

/** qemu 7.2 opens a file for appending at its beginning, so the end is looked for. */
void boardWrite(const char *file, const void *bytes, size_t length) {
	const long name[] = {(long)file, MODE_APPEND_BINARY, (long)strlen(file)};
	long block[] = {semihost(SYS_OPEN, name), 0, (long)length};
	if (block[0] < 0) fail("an output file cannot be opened");
	block[1] = semihost(SYS_FLEN, block);
	if (block[1] < 0 || semihost(SYS_SEEK, block) != 0) fail("an output file has no end");
	block[1] = (long)bytes;
	if (semihost(SYS_WRITE, block) != 0) fail("an output file cannot be written");
	semihost(SYS_CLOSE, block);
}

/** The runner kills the emulator when it reads this. */
_Noreturn void boardPullPlug(void) {
	boardPrint(PLUG_LINE);
	for (;;) {}
}

uint64_t boardInstructions(void) {
	uint32_t high, low, after;
	do {
		__asm__ volatile(
			".option push\n.option arch, +zicsr\n"
			"csrr %0, minstreth\ncsrr %1, minstret\ncsrr %2, minstreth\n.option pop"
			: "=r"(high), "=r"(low), "=r"(after));
	} while (high != after);
	return (uint64_t)high << 32 | low;
}

/* Start and traps. A trap gets a stack of its own: the fault may be that the other one is full. */

__asm__(
	".section .text.start, \"ax\", @progbits\n"
	".option push\n.option arch, +zicsr\n"
	".globl _start\n_start:\n"
	".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
	"la sp, stackTop\nla tp, threadStart\nla t0, trapEntry\ncsrw mtvec, t0\n"
	"la a0, dataStart\nla a1, dataLoad\nla a2, dataEnd\nsub a2, a2, a0\ncall memcpy\n"
	"la a0, bssStart\nli a1, 0\nla a2, bssEnd\nsub a2, a2, a0\ncall memset\n"
	"call main\ncall boardExit\n"
	".balign 4\ntrapEntry:\nla sp, trapStackTop\n"
	"csrr a0, mcause\ncsrr a1, mepc\ncsrr a2, mtval\ncall boardTrap\n"
	".option pop\n.text\n");

__attribute__((used)) void boardTrap(uint32_t cause, uint32_t address, uint32_t value) {
	char line[80];
	snprintf(line, sizeof line, "trap: mcause %lu, mepc 0x%08lx, mtval 0x%08lx", (unsigned long)cause,
		(unsigned long)address, (unsigned long)value);
	boardPrint(line);
	boardExit(EXIT_TRAP);
}

/**
 * Locks memory until the next power-up, in machine mode too (RISC-V Privileged, "Physical Memory Protection").
 * The first entry that matches decides: the program is read and run; the rest of the flash, with bytecode,
 * tables, ROM and input, is only read; nothing else is run.
 */
static void lockMemory(void) {
	enum { READ = 1, WRITE = 2, RUN = 4, UP_TO = 1 << 3, EVERYWHERE = 3 << 3, LOCK = 1 << 7 };
	const uint32_t entries = (uint32_t)LOCK | (uint32_t)(LOCK | UP_TO | READ | RUN) << 8 |
		(uint32_t)(LOCK | UP_TO | READ) << 16 | (uint32_t)(LOCK | EVERYWHERE | READ | WRITE) << 24;
	__asm__ volatile(
		".option push\n.option arch, +zicsr\n"
		"csrw pmpaddr0, %0\ncsrw pmpaddr1, %1\ncsrw pmpaddr2, %2\ncsrw pmpaddr3, %3\ncsrw pmpcfg0, %4\n"
		"fence\n.option pop"
		:
		: "r"(FLASH_ADDRESS >> 2), "r"((uint32_t)textEnd >> 2), "r"((FLASH_ADDRESS + FLASH_BYTES) >> 2),
		  "r"(UINT32_MAX), "r"(entries)
		: "memory");
}

/* The journal: plain memory behind BAR 2 of a PCI device (qemu's ivshmem) on bus 0. */

static uint8_t *journal;

static void findJournal(void) {
	enum { DEVICES = 32, DEVICE_BYTES = 1 << 15 };
	enum { ID = 0, COMMAND = 1, BAR2 = 6, BAR3 = 7, MEMORY_SPACE = 2, BAR_FLAGS = 15 };
	const uint32_t IVSHMEM = 0x11101af4;
	for (uint32_t device = 0; device < DEVICES; device++) {
		volatile uint32_t *registers = (volatile uint32_t *)(PCI_ADDRESS + device * DEVICE_BYTES);
		if (registers[ID] != IVSHMEM) continue;
		registers[BAR2] = UINT32_MAX;
		const uint32_t bytes = ~(registers[BAR2] & ~(uint32_t)BAR_FLAGS) + 1;
		if (bytes < boot->journalBytes) fail("the journal's memory is too small");
		registers[BAR2] = JOURNAL_ADDRESS;
		registers[BAR3] = 0;
		registers[COMMAND] = MEMORY_SPACE;
		journal = (uint8_t *)JOURNAL_ADDRESS;
		return;
	}
	fail("there is no journal");
}

uint8_t *boardFlash(size_t *bytes) {
	*bytes = boot->journalBytes;
	return journal;
}

/* What the host asks for */

const uint8_t *boardRom(const char *name, size_t *bytes) {
	if (strcmp(name, "tableB") == 0) return *bytes = (size_t)(tableBEnd - tableB), tableB;
	if (strcmp(name, "tableBlinding") == 0) {
		return *bytes = (size_t)(tableBlindingEnd - tableBlinding), tableBlinding;
	}
	if (strcmp(name, "input") == 0) return *bytes = boot->inputBytes, boot->input;
	return *bytes = 0, NULL;
}

void *boardArena(size_t *bytes) {
	if (boot->mode == MODE_BUILD_ROM) return romArena(bytes);
	const size_t all = (size_t)(arenaEnd - arenaStart);
	if (boot->arenaBytes > all) fail("the arena does not fit into the RAM");
	*bytes = boot->arenaBytes ? boot->arenaBytes : all;
	return arenaStart;
}

/** XS checks at every call; what a native then needs without a check lies within this, or it traps. */
char *boardStackLimit(void) {
	enum { UNCHECKED_BYTES = 3072 };
	return stackBottom + UNCHECKED_BYTES;
}

/** The C library's malloc. While the ROM is built, the RAM's arena is free and the tables are still large. */
void *sbrk(ptrdiff_t bytes) {
	static uint8_t *top = heapStart;
	const uint8_t *end = boot->mode == MODE_BUILD_ROM ? arenaEnd : heapEnd;
	if (bytes > end - top) return (void *)-1;
	uint8_t *from = top;
	top += bytes;
	return from;
}

static const ArchiveModule *findModule(const char *name) {
	for (size_t at = 0; at < archiveModuleCount; at++) {
		if (strcmp(archiveModules[at].name, name) == 0) return &archiveModules[at];
	}
	return NULL;
}

bool boardHasModule(const char *name) { return findModule(name) != NULL; }

/** XS deletes no script that has no names of its own, and only reads its code. */
txScript *boardScript(txMachine *the, const char *name) {
	static txScript script;
	const ArchiveModule *module = findModule(name);
	(void)the;
	if (module == NULL) return NULL;
	script.codeBuffer = (txS1 *)module->code;
	script.codeSize = (txSize)module->length;
	script.path = (txString)module->name;
	return &script;
}

/** Before anything else makes a name: the code refers to names by number. */
static void makeNames(txMachine *the) {
	for (size_t at = 0; at < archiveNameCount; at++) {
		if (fxNewNameX(the, (txString)archiveNames[at].text) != archiveNames[at].id) {
			fail("the bytecode was made for another engine or host");
		}
	}
}

static txMachine *makeMachine(void) {
	static Host host;
	size_t bytes;
	void *arena = boardArena(&bytes);
	const bool isCloned = boot->mode == MODE_RUN && romIsBuilt();
	host.stackLimit = boardStackLimit();
	host.keyCount = archiveNameCount;
	txMachine *the = isCloned ? hostClone(&host, romMachine(), arena, bytes) : hostCreate(&host, arena, bytes);
	if (the == NULL) boardExit(HOST_ARENA_EXHAUSTED);
	if (!isCloned) hostDefineBoard(the);
	makeNames(the);
	return the;
}

/** The bytes in use are printed, the whole region is saved: chunks lie at its beginning, slots at its end. */
_Noreturn static void buildRom(void) {
	char line[32];
	snprintf(line, sizeof line, "%lu", (unsigned long)romComplete(makeMachine()));
	boardPrint(line);
	boardWrite("rom", (const void *)ROM_ADDRESS, ROM_BYTES);
	boardExit(HOST_OK);
}

/** Does what the locks must forbid. */
_Noreturn static void trespass(void) {
	if (boot->mode == MODE_WRITE_CODE) *(volatile uint8_t *)archiveModules[0].code = 0;
	if (boot->mode == MODE_WRITE_ROM) *(volatile uint8_t *)ROM_ADDRESS = 0;
	if (boot->mode == MODE_RUN_DATA) ((void (*)(void))arenaStart)();
	fail("nothing was locked");
}

int main(void) {
	if (boot->magic != BOOT_MAGIC || boot->inputBytes > INPUT_BYTES_MAX) fail("the runner has put nothing in");
	if (boot->mode == MODE_BUILD_ROM) buildRom();
	lockMemory();
	if (boot->mode != MODE_RUN) trespass();
	findJournal();
	return hostImport(makeMachine(), archiveMain) ? HOST_OK : HOST_UNCAUGHT;
}
