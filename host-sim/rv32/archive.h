/* Bytecode as the build tool archive.c writes it and board.c runs it, in place. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
	const char *name;
	const uint8_t *code;
	uint32_t length;
} ArchiveModule;

/** A name that the code refers to by its number. The target makes the names in this order. */
typedef struct {
	uint16_t id;
	const char *text;
} ArchiveName;

extern const ArchiveModule archiveModules[];
extern const size_t archiveModuleCount;
extern const ArchiveName archiveNames[];
extern const size_t archiveNameCount;
/** The module to start with. */
extern const char archiveMain[];

#endif
