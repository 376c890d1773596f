/*
 * What XS is told about the machines that it runs on, the same for all of them: no operating system, no clock,
 * no randomness, and every byte that it allocates belongs to one machine and is counted (host.c). It never
 * includes a header of an operating system; those are for the boards alone (linux.c).
 */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* Identifiers of 32 bits where a slot has room for them; 16-byte slots of 32-bit machines have not. */
#if INTPTR_MAX == INT64_MAX
	#define mx32bitID 1
#endif
#define mxCESU8 1
#define mxUseDefaultBuildKeys 1
#ifdef mxParse
	#define mxUseDefaultParseScript 1
#endif
#define mxUseDefaultCStackLimit 0
#define C_PATH_MAX 256

/*
 * xsDefaults.c alone is compiled with HOST_SETS_ASIDE_DEFAULTS: its table is XS's own, host.c has another, in
 * which functions have no properties `name` and `length`. They would take a sixth of the arena.
 */
#ifdef HOST_SETS_ASIDE_DEFAULTS
	#define gxDefaults hostDefaultsOfXs
#endif

/* xsPlatforms.c alone with HOST_SETS_ASIDE_PARSER: host.c takes names out of what that parses. */
#ifdef HOST_SETS_ASIDE_PARSER
	#define fxParseScript fxParseScriptOfXs
#endif

/* A name of a module, the end included, bytes. */
#define HOST_NAME_BYTES_MAX 64

/** What a machine ended with; boards hand it to their environment as the exit code. */
enum HostExit {
	HOST_OK = 0,
	/** An exception that nothing caught; its message has been printed. */
	HOST_UNCAUGHT = 1,
	HOST_BAD_USE = 2,
	HOST_ARENA_EXHAUSTED = 12,
	HOST_STACK_OVERFLOW = 13,
	/** The computrons or the native work that it was allowed. */
	HOST_BUDGET_SPENT = 14,
	/** XS found itself in a state that cannot be. */
	HOST_FAULT = 15,
};

struct HostBlock;

/** The memory of one machine and what is known about it. */
typedef struct Host {
	/* The arena: chunks from `base` up to `low`, slots from `high` up to `top`, nothing between. */
	uint8_t *base, *low, *high, *top;
	/* What chunks leave to slots between two compactions. */
	size_t reserve;
	/* What XS takes by malloc: tables of names, jump buffers, its parser. */
	struct HostBlock *blocks;
	size_t blockBytes, blockBytesPeak, blockBytesMax;
	/* Most bytes of chunks and slots that survived a collection. */
	size_t livePeak;
	uint64_t computrons;
	/* The C stack may not grow below it. */
	char *stackLimit;
	/* Names that it is going to have besides the engine's and the host's, as far as that is known. */
	size_t keyCount;
	/* Its one module, if it may load no other. */
	const char *onlyModule;
	/* Where to go when it ends, or NULL: then the board exits. */
	jmp_buf *exit;
	enum HostExit status;
	bool isReady, hasJobs, isSettled, hasFailed;
} Host;

/** The machine that is running: allocations are charged to it and aborts end it. */
extern Host *hostCurrent;

/** Native work that the running machine may still do (neighbour.c); the unit's is not bounded. */
extern int64_t hostFuel;
void hostSpentFuel(void);
static inline void hostSpend(int64_t blocks) {
	if ((hostFuel -= blocks) < 0) hostSpentFuel();
}

void *hostMalloc(size_t bytes);
void *hostCalloc(size_t count, size_t bytes);
void *hostRealloc(void *data, size_t bytes);
void hostFree(void *data);

#define c_malloc hostMalloc
#define c_calloc hostCalloc
#define c_realloc hostRealloc
#define c_free hostFree
#define c_malloc_uint32 hostMalloc
#define c_free_uint32 hostFree

/* Always the epoch, always zero: time and randomness come through ports. */
#define c_timeval struct timeval
#define c_gettimeofday(TIME, ZONE) ((TIME)->tv_sec = 0, (TIME)->tv_usec = 0, 0)
#define c_rand() 0
#define C_RAND_MAX 1

struct sxMachine;

/** Lays a machine out in an arena. NULL, with `status` set, if the arena is too small. */
struct sxMachine *hostCreate(Host *host, void *arena, size_t bytes);
/** The same from a machine whose built-ins lie in read-only memory and are shared (host-sim/rv32/rom.c). */
struct sxMachine *hostClone(Host *host, struct sxMachine *root, void *arena, size_t bytes);
/** Gives back what the machine took by malloc; the arena is the caller's. */
void hostDelete(Host *host);
/** Gives the machine its global `board`. */
void hostDefineBoard(struct sxMachine *the);
/** Gives the machine its global `neighbour`, where there is one (neighbour.c). */
void neighbourDefine(struct sxMachine *the);
/** Imports a module and runs the jobs that follow. False if it threw; an abort does not return. */
bool hostImport(struct sxMachine *the, const char *name);
void hostRunJobs(struct sxMachine *the);
/** Collects garbage; bytes of chunks and slots that are left. */
size_t hostCollect(struct sxMachine *the);
/** XS's meter since the machine was made. */
uint64_t hostComputrons(struct sxMachine *the);

/** A native of a global object. */
typedef struct {
	void (*call)(struct sxMachine *the);
	int length;
	const char *name;
} HostNative;

/** Makes a global object of natives. */
void hostDefine(struct sxMachine *the, const char *global, const HostNative *natives, size_t count);
/** An argument as a whole number from 0 to `max`, which is below 2^53, or it throws. */
double hostWhole(struct sxMachine *the, int argument, double max);
/** The bytes of an argument, good until the next allocation, or it throws. */
uint8_t *hostBytes(struct sxMachine *the, int argument, bool isWritten, size_t *length);
/** A string argument, good until the next allocation. */
char *hostText(struct sxMachine *the, int argument);
/** Pushes a new Uint8Array with a copy of the bytes. */
void hostPushBytes(struct sxMachine *the, const uint8_t *bytes, size_t length);

#endif
