// Does not even start.
throw new Error("at import");
