/* farebox COMMAND: finds the command, parses its options, runs it, prints its error.
 *
 *     program_prepare();
 *     return program_run(argc, argv, NULL);
 */
#ifndef FAREBOX_CLI_PROGRAM_H
#define FAREBOX_CLI_PROGRAM_H

struct bench_crew;

/* What belongs to the whole process: signals, open files, memory. */
void program_prepare(void);

/* The words of the command line. `crew` are the other processes that carry the command out, NULL
 * where there are none. Returns the exit status. */
int program_run(int argc, char **argv, const struct bench_crew *crew);

#endif
