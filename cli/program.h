/* farebox COMMAND: finds the command, parses its options, runs it, prints its error.
 *
 *     program_prepare();
 *     return program_run(argc, argv, NULL);
 */
#ifndef FAREBOX_CLI_PROGRAM_H
#define FAREBOX_CLI_PROGRAM_H

struct bench_crew; /* cli/bench/bench_crew.h */
struct farm;       /* core/farm/tasks.h */

/* Other processes that carry out a command together with this one. */
struct program_others {
    const char *about; /* a paragraph for the help: which commands */
    const struct bench_crew *crew;
    const struct farm *farm;
};

/* What belongs to the whole process: signals, open files, memory. */
void program_prepare(void);

/* The words of the command line; NULL where there are no others. Returns the exit status. */
int program_run(int argc, char **argv, const struct program_others *others);

#endif
