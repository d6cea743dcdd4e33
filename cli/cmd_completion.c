/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strandline completion SHELL: what a shell completes.  Hidden: the build runs it, and installs
 * what it prints.  Everything comes from the tables that the options are read by.
 */
#include <stdio.h>
#include <string.h>

#include <strandline/bus_fault.h>

#include "base/fail.h"
#include "cli/cmd.h"
#include "cli/options/help.h"
#include "cli/options/options.h"
#include "scenarios/scenario.h"

/* What may stand for an argument. */
struct values {
    const struct sl_command *const *commands;
    const struct sl_scenario_list *scenarios;
};

static void print_words(const struct values *values, enum sl_argument kind, const char *words)
{
    if (words)
        (void) printf(" %s", words);
    for (size_t i = 0; kind == SL_ARGUMENT_SCENARIO && i < values->scenarios->n_scenarios; i++)
        (void) printf(" %s", values->scenarios->scenarios[i]->name);
    if (kind == SL_ARGUMENT_FAULTS)
        for (const struct bus_fault_info *fault = bus_faults(); fault->name; fault++)
            if (!fault->absent)
                (void) printf(" %s", fault->name);
    if (kind != SL_ARGUMENT_COMMAND)
        return;
    for (size_t i = 0; values->commands[i]; i++)
        if (!values->commands[i]->hidden)
            (void) printf(" %s", values->commands[i]->name);
    (void) printf(" scenario");
}

/* The options of a command, --help last; NULL after it. */
static const struct sl_option *
next_option(const struct sl_command *command, const struct sl_option *option)
{
    if (option == &help_option)
        return NULL;
    option = option ? option + 1 : command->options;
    return option && option->name ? option : &help_option;
}

#define EACH_COMMAND(commands, command)                                                            \
    for (const struct sl_command *command, *const *at_ = (commands); (command = *at_); at_++)      \
        if (!command->hidden)
#define EACH_OPTION(command, option)                                                               \
    for (const struct sl_option *option = NULL; (option = next_option(command, option));)

/* In single quotes, with a backslash before the characters that the shell gives a meaning to. */
static void print_quoted(const char *text, const char *special, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            (void) fputs(quote, stdout);
        else
            (void) printf("%s%c", strchr(special, *text) ? "\\" : "", *text);
    }
}

/*
 * bash.  "--mode=key" comes as three words, so that the word before "=" is the option.  Names of
 * files are completed as everywhere.
 */
static const char bash_head[] =
    "_strandline_words()\n"
    "{\n"
    "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W \"$*\" -- \"$cur\")\n"
    "}\n"
    "\n"
    "# Words with commas between: those before the last comma stay.\n"
    "_strandline_list()\n"
    "{\n"
    "    local last=${cur##*,}\n"
    "    compopt -o nospace 2> /dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"${cur%\"$last\"}\" -W \"$*\" -- \"$last\")\n"
    "}\n"
    "\n"
    "_strandline_files()\n"
    "{\n"
    "    compopt -o filenames 2> /dev/null\n"
    "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "}\n"
    "\n"
    "_strandline_processes()\n"
    "{\n"
    "    _strandline_words self \"$(cd /proc && echo [0-9]*)\"\n"
    "}\n"
    "\n"
    "_strandline()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=\n"
    "    elif [[ $before == = ]]; then\n"
    "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    COMPREPLY=()\n"
    "    case $((COMP_CWORD > 1)):${COMP_WORDS[1]}:$before:$cur in\n";

static void print_bash_values(const struct values *values, enum sl_argument kind, const char *words)
{
    static const char *const functions[] = {
        [SL_ARGUMENT_TEXT] = "",
        [SL_ARGUMENT_WORD] = " _strandline_words",
        [SL_ARGUMENT_LIST] = " _strandline_list",
        [SL_ARGUMENT_FILE] = " _strandline_files",
        [SL_ARGUMENT_SCENARIO] = " _strandline_words",
        [SL_ARGUMENT_FAULTS] = " _strandline_list",
        [SL_ARGUMENT_PROCESS] = " _strandline_processes",
        [SL_ARGUMENT_COMMAND] = " _strandline_words",
    };

    (void) printf(")%s", functions[kind]);
    print_words(values, kind, words);
    (void) printf("%s ;;\n", kind == SL_ARGUMENT_SCENARIO ? "; _strandline_files" : "");
}

static void print_bash(const struct values *values)
{
    (void) fputs(bash_head, stdout);
    (void) fputs("    0:*) _strandline_words --help --version", stdout);
    EACH_COMMAND(values->commands, command)
    (void) printf(" %s", command->name);
    (void) puts(" ;;");
    EACH_COMMAND(values->commands, command)
    {
        EACH_OPTION(command, option)
        {
            if (!option->argument)
                continue;
            (void) printf("    1:%s:--%s:*", command->name, option->name);
            if (option->letter)
                (void) printf(" | 1:%s:-%c:*", command->name, option->letter);
            print_bash_values(values, option->kind, option->words);
        }
        (void) printf("    1:%s:*:-*) _strandline_words", command->name);
        EACH_OPTION(command, option)
        (void) printf(" --%s", option->name);
        (void) printf(" ;;\n    1:%s:*", command->name);
        print_bash_values(values, command->operand, NULL);
    }
    (void) puts("    esac\n}\ncomplete -F _strandline strandline");
}

/* zsh: what _arguments takes; the action is what follows the last colon. */
static void print_zsh_action(const struct values *values, enum sl_argument kind, const char *words)
{
    static const char *const actions[][2] = {
        [SL_ARGUMENT_TEXT] = {" ", ""},
        [SL_ARGUMENT_WORD] = {"(", ")"},
        [SL_ARGUMENT_LIST] = {"_values -s , word", ""},
        [SL_ARGUMENT_FILE] = {"_files", ""},
        [SL_ARGUMENT_SCENARIO] = {"{compadd --", "; _files}"},
        [SL_ARGUMENT_FAULTS] = {"_values -s , fault", ""},
        [SL_ARGUMENT_PROCESS] = {"{compadd -- self; _pids}", ""},
        [SL_ARGUMENT_COMMAND] = {"(", ")"},
    };

    (void) fputs(actions[kind][0], stdout);
    print_words(values, kind, words);
    (void) printf("%s'", actions[kind][1]);
}

static void print_zsh_option(const struct values *values, const struct sl_option *option)
{
    const char *equals = option->argument ? "=" : "";

    (void) fputs(" \\\n            '*'", stdout);
    if (option->letter)
        (void) printf("{-%c,--%s%s}'[", option->letter, option->name, equals);
    else
        (void) printf("'--%s%s[", option->name, equals);
    print_quoted(option->help, "[]:\\", "'\\''");
    if (!option->argument) {
        (void) fputs("]'", stdout);
        return;
    }
    (void) fputs("]:", stdout);
    print_quoted(option->argument, "[]:\\", "'\\''");
    (void) fputc(':', stdout);
    print_zsh_action(values, option->kind, option->words);
}

static void print_zsh(const struct values *values)
{
    (void) puts("#compdef strandline\n\n"
                "_strandline()\n"
                "{\n"
                "    local -a commands=(");
    EACH_COMMAND(values->commands, command)
    {
        (void) printf("        '%s:", command->name);
        print_quoted(command->summary, ":\\", "'\\''");
        (void) puts("'");
    }
    (void) puts("    )\n"
                "    if ((CURRENT == 2)); then\n"
                "        _describe command commands\n"
                "        compadd -- --help --version\n"
                "        return\n"
                "    fi\n"
                "    shift words\n"
                "    ((CURRENT--))\n"
                "    case $words[1] in");
    EACH_COMMAND(values->commands, command)
    {
        (void) printf("    %s)\n        _arguments", command->name);
        EACH_OPTION(command, option)
        print_zsh_option(values, option);
        if (command->operand != SL_ARGUMENT_TEXT) {
            (void) fputs(" \\\n            '*: :", stdout);
            print_zsh_action(values, command->operand, NULL);
        }
        (void) puts("\n        ;;");
    }
    (void) puts("    esac\n}\n\n_strandline \"$@\"");
}

/* fish: a line for each option; no files but where they are meant. */
static void print_fish_values(const struct values *values, enum sl_argument kind, const char *words)
{
    static const char *const flags[][2] = {
        [SL_ARGUMENT_TEXT] = {" -x", ""},
        [SL_ARGUMENT_WORD] = {" -x -a '", "'"},
        [SL_ARGUMENT_LIST] = {" -x -a '(__fish_append ,", ")'"},
        [SL_ARGUMENT_FILE] = {" -r -F", ""},
        [SL_ARGUMENT_SCENARIO] = {" -r -F -a '", "'"},
        [SL_ARGUMENT_FAULTS] = {" -x -a '(__fish_append ,", ")'"},
        [SL_ARGUMENT_PROCESS] = {" -x -a 'self (__fish_complete_pids)", "'"},
        [SL_ARGUMENT_COMMAND] = {" -x -a '", "'"},
    };

    (void) fputs(flags[kind][0], stdout);
    print_words(values, kind, words);
    (void) fputs(flags[kind][1], stdout);
}

static void print_fish_option(const struct values *values, const struct sl_command *command,
                              const struct sl_option *option)
{
    (void) printf("complete -c strandline -n '__fish_seen_subcommand_from %s' -l %s", command->name,
                  option->name);
    if (option->letter)
        (void) printf(" -s %c", option->letter);
    if (option->argument)
        print_fish_values(values, option->kind, option->words);
    (void) fputs(" -d '", stdout);
    print_quoted(option->help, "\\", "\\'");
    (void) puts("'");
}

static void print_fish(const struct values *values)
{
    (void) puts("complete -c strandline -f\n"
                "complete -c strandline -n __fish_use_subcommand -l help -d 'list the commands'\n"
                "complete -c strandline -n __fish_use_subcommand -l version "
                "-d 'print the version'");
    EACH_COMMAND(values->commands, command)
    {
        (void) printf("complete -c strandline -n __fish_use_subcommand -a %s -d '", command->name);
        print_quoted(command->summary, "\\", "\\'");
        (void) puts("'");
        EACH_OPTION(command, option)
        print_fish_option(values, command, option);
        if (command->operand == SL_ARGUMENT_TEXT)
            continue;
        (void) printf("complete -c strandline -n '__fish_seen_subcommand_from %s'", command->name);
        print_fish_values(values, command->operand, NULL);
        (void) putchar('\n');
    }
}

int cmd_completion_run(const struct sl_command *const *commands, int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(const struct values *values);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    const struct sl_command *completion = command_find(commands, argv[0]);
    SL_AUTO(sl_scenario_list) struct sl_scenario_list *scenarios = NULL;
    struct sl_error err = {0};

    if (sl_scenario_list(NULL, &scenarios, &err))
        return command_error(completion, &err, SL_EXIT_UNMEASURED);
    for (size_t i = 0; argc == 2 && i < SL_COUNT_OF(shells); i++) {
        if (strcmp(shells[i].name, argv[1]) == 0) {
            shells[i].print(&(struct values){commands, scenarios});
            return SL_EXIT_OK;
        }
    }
    return command_usage_error(completion, "bash, zsh or fish is needed");
}
