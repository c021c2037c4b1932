#include "cli/program.h"

#include <stddef.h>

int main(int argc, char **argv)
{
    program_prepare();
    return program_run(argc, argv, NULL);
}
