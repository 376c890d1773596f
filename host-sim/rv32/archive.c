/*
 * Compiles modules to bytecode that XS runs where it lies, in flash. A build tool for Linux, of 32 bits, made
 * from the engine's sources and the host that the target has, so that both number the names of the engine and
 * of the host alike. It writes C: the code of every module, and the names that it uses in the order in which
 * the target has to make them; it prints the size of the code. It runs no module, and the target needs no parser.
 */
#include "archive.h"
#include "board.h"
#include "xsScript.h"

#define MODULES_MAX 8
#define SOURCE_BYTES_MAX (4u << 20)
#define NAMES_MAX 8192
#define FIXED_ARGUMENTS 3

static ArchiveName names[NAMES_MAX];
static size_t nameCount;

_Noreturn static void refuse(const char *what, const char *which) {
	fprintf(stderr, "error: %s: %s\n", which, what);
	exit(HOST_BAD_USE);
}

static void *allocate(size_t bytes) {
	void *data = calloc(1, bytes);
	if (data == NULL) refuse("no memory", "archive");
	return data;
}

static char *readSource(const char *path, size_t *length) {
	FILE *file = fopen(path, "rb");
	if (file == NULL) refuse("cannot be read", path);
	char *source = allocate(SOURCE_BYTES_MAX + 1);
	*length = fread(source, 1, SOURCE_BYTES_MAX + 1, file);
	if (*length > SOURCE_BYTES_MAX) refuse("longer than 4 MB", path);
	fclose(file);
	return source;
}

/** The machine's number of a name, which is remembered for the target. */
static txID intern(txMachine *the, const char *text) {
	const txID id = fxNewNameC(the, (txString)text);
	for (size_t at = 0; at < nameCount; at++) {
		if (names[at].id == id) return id;
	}
	if (nameCount == NAMES_MAX) refuse("more names than the tool takes", text);
	names[nameCount++] = (ArchiveName){id, strdup(text)};
	return id;
}

/** Instructions that copy what follows them to the heap become those that use it in place; sizes are equal. */
static uint8_t inPlace(uint8_t code) {
	switch (code) {
	case XS_CODE_CODE_1: return XS_CODE_CODE_ARCHIVE_1;
	case XS_CODE_CODE_2: return XS_CODE_CODE_ARCHIVE_2;
	case XS_CODE_CODE_4: return XS_CODE_CODE_ARCHIVE_4;
	case XS_CODE_STRING_1: return XS_CODE_STRING_ARCHIVE_1;
	case XS_CODE_STRING_2: return XS_CODE_STRING_ARCHIVE_2;
	case XS_CODE_STRING_4: return XS_CODE_STRING_ARCHIVE_4;
	default: return code;
	}
}

static size_t littleEndian(const uint8_t *from, size_t bytes) {
	size_t value = 0;
	for (size_t at = bytes; at > 0; at--) value = value << 8 | from[at - 1];
	return value;
}

/**
 * Makes a script's code refer to the machine's names. gxCodeSizes: more than 0 the size of an instruction, 0 a
 * name follows, less than 0 as many bytes hold the length of what follows.
 */
static void relocate(txScript *script, const txID *ids, size_t idCount) {
	uint8_t *code = (uint8_t *)script->codeBuffer;
	const uint8_t *end = code + script->codeSize;
	while (code < end) {
		const int size = gxCodeSizes[*code];
		*code = inPlace(*code);
		if (size > 0) {
			code += size;
		} else if (size == 0) {
			const size_t id = littleEndian(code + 1, sizeof(txID));
			if (id >= idCount) refuse("a name is out of range", script->path);
			memcpy(code + 1, &ids[id], sizeof(txID));
			code += 1 + sizeof(txID);
		} else {
			code += 1 + (size_t)-size + littleEndian(code + 1, (size_t)-size);
		}
	}
	if (code != end) refuse("the code does not end where it should", script->path);
}

static txScript *compile(txMachine *the, const char *path) {
	size_t length;
	txStringCStream stream = {.buffer = readSource(path, &length)};
	stream.size = (txSize)length;
	txScript *script = fxParseScript(the, &stream, fxStringCGetter, 0);
	if (script == NULL) refuse("does not parse", path);
	script->path = (txString)path;
	const char *text = (const char *)script->symbolsBuffer;
	const size_t idCount = littleEndian((const uint8_t *)text, sizeof(txID));
	txID *ids = allocate(idCount * sizeof(txID));
	text += sizeof(txID);
	for (size_t at = 1; at < idCount; at++, text += strlen(text) + 1) ids[at] = intern(the, text);
	relocate(script, ids, idCount);
	free(ids);
	free(stream.buffer);
	return script;
}

static void writeCode(FILE *out, unsigned number, const txScript *script) {
	fprintf(out, "static const uint8_t code%u[] = {", number);
	for (txSize at = 0; at < script->codeSize; at++) {
		fprintf(out, "%s%u,", at % 32 == 0 ? "\n" : "", (unsigned)(uint8_t)script->codeBuffer[at]);
	}
	fprintf(out, "\n};\n");
}

/** As octal escapes of three digits, which no character that follows can lengthen. */
static void writeText(FILE *out, const char *text) {
	fputc('"', out);
	for (; *text; text++) fprintf(out, "\\%03o", (unsigned)(uint8_t)*text);
	fputc('"', out);
}

static void writeArchive(FILE *out, txScript **scripts, char **modules, unsigned count) {
	fprintf(out, "#include \"archive.h\"\n");
	for (unsigned at = 0; at < count; at++) writeCode(out, at, scripts[at]);
	fprintf(out, "const ArchiveModule archiveModules[] = {\n");
	for (unsigned at = 0; at < count; at++) {
		fprintf(out, "{");
		writeText(out, modules[at]);
		fprintf(out, ", code%u, sizeof code%u},\n", at, at);
	}
	fprintf(out, "};\nconst size_t archiveModuleCount = %u;\nconst ArchiveName archiveNames[] = {\n", count);
	for (size_t at = 0; at < nameCount; at++) {
		fprintf(out, "{%u, ", (unsigned)names[at].id);
		writeText(out, names[at].text);
		fprintf(out, "},\n");
	}
	fprintf(out, "};\nconst size_t archiveNameCount = %u;\n", (unsigned)nameCount);
}

int main(int count, char **arguments) {
	static Host host;
	const int modules = count - FIXED_ARGUMENTS;
	if (modules < 1 || modules > MODULES_MAX) refuse("needs OUT.c MAIN NAME=FILE ...", arguments[0]);
	size_t bytes;
	void *arena = boardArena(&bytes);
	txMachine *the = hostCreate(&host, arena, bytes);
	if (the == NULL) refuse("no machine", arguments[0]);
	hostDefineBoard(the);
	host.blockBytesMax = bytes;
	txScript *scripts[MODULES_MAX];
	fxBeginHost(the);
	for (int at = 0; at < modules; at++) {
		char *path = strchr(arguments[FIXED_ARGUMENTS + at], '=');
		if (path == NULL) refuse("is not NAME=FILE", arguments[FIXED_ARGUMENTS + at]);
		*path++ = 0;
		scripts[at] = compile(the, path);
	}
	FILE *out = fopen(arguments[1], "wb");
	if (out == NULL) refuse("cannot be written", arguments[1]);
	writeArchive(out, scripts, arguments + FIXED_ARGUMENTS, (unsigned)modules);
	fprintf(out, "const char archiveMain[] = ");
	writeText(out, arguments[2]);
	fprintf(out, ";\n");
	if (fclose(out) != 0) refuse("cannot be written", arguments[1]);
	size_t codeBytes = 0;
	for (int at = 0; at < modules; at++) codeBytes += (size_t)scripts[at]->codeSize;
	printf("%zu\n", codeBytes);
	return 0;
}

/* What the host asks of a board. Nothing runs here: only memory and messages are real. */

void *boardArena(size_t *bytes) {
	*bytes = 64u << 20;
	return allocate(*bytes);
}
char *boardStackLimit(void) { return NULL; }
void boardPrint(const char *line) { fprintf(stderr, "archive: %s\n", line); }
_Noreturn void boardExit(int code) { exit(code); }
_Noreturn void boardPullPlug(void) { abort(); }
uint8_t *boardFlash(size_t *bytes) { return *bytes = 0, NULL; }
const uint8_t *boardRom(const char *name, size_t *bytes) { return (void)name, *bytes = 0, NULL; }
void boardWrite(const char *file, const void *bytes, size_t length) { (void)file, (void)bytes, (void)length; }
uint64_t boardInstructions(void) { return 0; }
bool boardHasModule(const char *name) { return (void)name, false; }
txScript *boardScript(txMachine *the, const char *name) { return (void)the, (void)name, NULL; }
