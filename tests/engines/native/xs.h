// As much of XS as firmware/native/waveform.c uses, for converter.c: one array, one number, one host object. What the C
// code throws ends the program with the message.
#ifndef CONVERTER_XS_H
#define CONVERTER_XS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	double arguments[2];
	/** The elements and the length of the one argument that is an array. */
	double *array;
	int length;
	void *hostData;
	bool isTrue;
	double variable;
} xsMachine;
typedef int xsIntegerValue;
enum { xsID_length };

#define c_calloc calloc
#define c_free free
#define c_memset memset
#define xsThis 0
#define xsResult 0
#define xsArg(at) the->arguments[at]
#define xsVar(at) the->variable
#define xsmcVars(count) ((void)(the))
#define xsmcGet(into, object, id) ((void)(object), (void)(id), (into) = the->length)
#define xsmcGetIndex(into, object, at) ((void)(object), (into) = the->array[at])
#define xsmcSetIndex(object, at, value) ((void)(object), the->array[at] = (value))
#define xsmcToInteger(value) ((xsIntegerValue)(value))
#define xsmcSetNumber(into, value) ((into) = (value))
#define xsmcSetBoolean(into, value) (the->isTrue = (value))
#define xsmcSetHostData(object, data) (the->hostData = (data))
#define xsmcGetHostData(object) (the->hostData)
#define xsmcGetHostDataValidate(object, destructor) (the->hostData)
#define xsmcSetHostDestructor(object, destructor) ((void)0)
#define xsRangeError(text) refuse("RangeError: " text)
#define xsUnknownError(text) refuse("Error: " text)

static inline void refuse(const char *what)
{
	puts(what);
	exit(1);
}

#endif
