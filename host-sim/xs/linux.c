/*
 * Linux as a board: the flash is a mapped file that survives the process, output files lie in a folder, the
 * plug is pulled by SIGKILL to itself, and modules are parsed from source. It takes its arguments from
 * engine.ts and trusts them; what it cannot open it says in one line, exit code 2.
 */
#define _GNU_SOURCE
#include "board.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMED_MAX 16
#define SECTORS_MAX 4096
#define SECTOR_BYTES 4096
#define ARENA_BYTES_MAX (64u << 20)
/** C stack for XS, and what lies below it for calls that XS does not check. */
#define STACK_BYTES (384 * 1024)
#define STACK_RESERVE_BYTES (256 * 1024)

/** Of XS, without a declaration in its headers. */
extern void fxRemapIDs(txMachine *the, txByte *code, txSize size, txID *identifiers);

/** A file that is given a name on the command line. */
typedef struct {
	const char *name;
	const uint8_t *bytes;
	size_t length;
} Named;

typedef struct {
	Named named[NAMED_MAX];
	size_t count;
} NamedList;

static NamedList roms, modules;
static uint8_t *flash, *arena;
static size_t flashBytes, arenaBytes, sectorCount;
static const char *flashPath, *outPath, *mainName;
static char *stackLimit;

_Noreturn static void refuse(const char *what, const char *which) {
	fprintf(stderr, "error: %s: %s\n", which, what);
	exit(HOST_BAD_USE);
}

static uint8_t *mapFile(const char *path, size_t *length) {
	struct stat status;
	const int file = open(path, O_RDONLY);
	if (file < 0 || fstat(file, &status) != 0) refuse("cannot be read", path);
	*length = (size_t)status.st_size;
	if (*length == 0) refuse("is empty", path);
	uint8_t *bytes = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, file, 0);
	if (bytes == MAP_FAILED) refuse("cannot be mapped", path);
	close(file);
	return bytes;
}

static void openFlash(void) {
	struct stat status;
	const int file = open(flashPath, O_RDWR | O_CREAT, 0644);
	if (file < 0 || fstat(file, &status) != 0) refuse("cannot be opened", flashPath);
	flashBytes = sectorCount * SECTOR_BYTES;
	const bool isNew = status.st_size == 0;
	if (isNew && ftruncate(file, (off_t)flashBytes) != 0) refuse("cannot be written", flashPath);
	if (!isNew && (size_t)status.st_size != flashBytes) refuse("has not the size of --sectors", flashPath);
	flash = mmap(NULL, flashBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (flash == MAP_FAILED) refuse("cannot be mapped", flashPath);
	if (isNew) memset(flash, 0xff, flashBytes);
	close(file);
}

uint8_t *boardFlash(size_t *bytes) {
	*bytes = flashBytes;
	return flash;
}

void *boardArena(size_t *bytes) {
	*bytes = arenaBytes;
	return arena;
}

char *boardStackLimit(void) { return stackLimit; }

static const Named *find(const NamedList *list, const char *name) {
	for (size_t at = 0; at < list->count; at++) {
		if (strcmp(list->named[at].name, name) == 0) return &list->named[at];
	}
	return NULL;
}

const uint8_t *boardRom(const char *name, size_t *bytes) {
	const Named *rom = find(&roms, name);
	*bytes = rom ? rom->length : 0;
	return rom ? rom->bytes : NULL;
}

bool boardHasModule(const char *name) { return find(&modules, name) != NULL; }

typedef struct {
	const uint8_t *next, *end;
} Source;

static int nextByte(void *stream) {
	Source *source = stream;
	return source->next < source->end ? *source->next++ : EOF;
}

/** Gives the names of a script the machine's identifiers; their text stays where it is. */
static void linkNames(txMachine *the, txScript *script) {
	txS1 *next = script->symbolsBuffer;
	txID count;
	mxDecodeID(next, count);
	txID *identifiers = hostMalloc(count * sizeof *identifiers);
	identifiers[0] = XS_NO_ID;
	for (txID at = 1; at < count; at++, next += strlen((char *)next) + 1) {
		identifiers[at] = fxNewNameX(the, (txString)next);
	}
	fxRemapIDs(the, script->codeBuffer, script->codeSize, identifiers);
	hostFree(identifiers);
	script->symbolsBuffer = NULL;
}

/** Turns bytecode that XS would copy into its heap into bytecode that it runs, and reads strings of, in place. */
static void stayInPlace(txScript *script) {
	const txByte *end = script->codeBuffer + script->codeSize;
	for (txByte *next = script->codeBuffer; next < end; next = hostNextCode(next)) {
		const txU1 code = *(txU1 *)next;
		const bool isCode = code >= XS_CODE_CODE_1 && code <= XS_CODE_CODE_4;
		const bool isString = code >= XS_CODE_STRING_1 && code <= XS_CODE_STRING_4;
		if (isCode) *next = (txByte)(code - XS_CODE_CODE_1 + XS_CODE_CODE_ARCHIVE_1);
		if (isString) *next = (txByte)(code - XS_CODE_STRING_1 + XS_CODE_STRING_ARCHIVE_1);
	}
}

/** As on a board: the code lies outside of the arena and is never written again. */
txScript *boardScript(txMachine *the, const char *name) {
	const Named *module = find(&modules, name);
	if (module == NULL) return NULL;
	Source source = {module->bytes, module->bytes + module->length};
	txScript *script = fxParseScript(the, &source, nextByte, 0);
	if (script && script->codeBuffer) {
		linkNames(the, script);
		stayInPlace(script);
	}
	return script;
}

void boardWrite(const char *file, const void *bytes, size_t length) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", outPath, file);
	const int out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (out < 0) refuse("cannot be written", path);
	for (size_t done = 0; done < length;) {
		const ssize_t step = write(out, (const uint8_t *)bytes + done, length - done);
		if (step <= 0) refuse("cannot be written", path);
		done += (size_t)step;
	}
	close(out);
}

void boardPrint(const char *line) {
	printf("%s\n", line);
	fflush(stdout);
}

uint64_t boardInstructions(void) { return 0; }

_Noreturn void boardPullPlug(void) {
	kill(getpid(), SIGKILL);
	for (;;) pause();
}

_Noreturn void boardExit(int code) { exit(code); }

static size_t number(const char *option, const char *text, size_t max) {
	char *end;
	const unsigned long value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != 0 || value == 0 || value > max) refuse("no number in range", option);
	return (size_t)value;
}

static void addNamed(NamedList *list, char *argument) {
	char *path = strchr(argument, '=');
	if (path == NULL || list->count == NAMED_MAX) refuse("not NAME=FILE, or too many", argument);
	*path++ = 0;
	if (strlen(argument) >= HOST_NAME_BYTES_MAX) refuse("too long a name", argument);
	Named *named = &list->named[list->count++];
	named->name = argument;
	named->bytes = mapFile(path, &named->length);
}

static void readOptions(int count, char **arguments) {
	for (int at = 1; at < count; at += 2) {
		const char *option = arguments[at];
		char *value = at + 1 < count ? arguments[at + 1] : NULL;
		if (value == NULL) refuse("has no value", option);
		if (strcmp(option, "--arena") == 0) arenaBytes = number(option, value, ARENA_BYTES_MAX);
		else if (strcmp(option, "--sectors") == 0) sectorCount = number(option, value, SECTORS_MAX);
		else if (strcmp(option, "--flash") == 0) flashPath = value;
		else if (strcmp(option, "--out") == 0) outPath = value;
		else if (strcmp(option, "--main") == 0) mainName = value;
		else if (strcmp(option, "--rom") == 0) addNamed(&roms, value);
		else if (strcmp(option, "--module") == 0) addNamed(&modules, value);
		else refuse("unknown option", option);
	}
	if (arenaBytes == 0 || sectorCount == 0 || !flashPath || !outPath || !mainName) {
		refuse("needs --arena, --sectors, --flash, --out and --main", arguments[0]);
	}
}

/** As deep as XS goes, the same on every machine; the process must have that much stack. */
static void limitStack(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
		limit.rlim_cur < STACK_BYTES + 2 * STACK_RESERVE_BYTES) {
		refuse("less than 1 MB of stack", "ulimit -s");
	}
	stackLimit = (char *)__builtin_frame_address(0) - STACK_BYTES;
}

int main(int count, char **arguments) {
	static Host host;
	setenv("TZ", "UTC0", 1);
	readOptions(count, arguments);
	limitStack();
	openFlash();
	arena = mmap(NULL, arenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED) refuse("no memory", "--arena");
	size_t bytes;
	void *base = boardArena(&bytes);
	host.stackLimit = boardStackLimit();
	txMachine *the = hostCreate(&host, base, bytes);
	if (the == NULL) boardExit(HOST_ARENA_EXHAUSTED);
	hostDefineBoard(the);
	neighbourDefine(the);
	return hostImport(the, mainName) ? HOST_OK : HOST_UNCAUGHT;
}
