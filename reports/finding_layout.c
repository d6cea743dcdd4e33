/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/finding_layout.h"

#include <string.h>

#include "harness/model/finding.h"
#include "harness/model/wait_tree.h"
#include "json/layout_macros.h"

#define X(name, text) +1
enum {
    N_WAIT_KINDS = 0 SL_WAIT_MAP(X),
    N_CAUSES = 0 SL_CAUSE_MAP(X),
    N_FACT_KINDS = 0 SL_FACT_MAP(X)
};
#undef X

static const char *wait_kind_word(unsigned value)
{
    return sl_wait_kind_text((enum sl_wait_kind) value);
}

static const char *cause_word(unsigned value)
{
    return sl_cause_text((enum sl_cause) value);
}

static const char *grade_word(unsigned value)
{
    return sl_grade_text((enum sl_grade) value);
}

static const char *fact_kind_word(unsigned value)
{
    return sl_fact_kind_text((enum sl_fact_kind) value);
}

static const struct sl_words wait_kinds = {N_WAIT_KINDS, wait_kind_word};
static const struct sl_words fact_kinds = {N_FACT_KINDS, fact_kind_word};
const struct sl_words finding_layout_grades = {SL_GRADE_COMPLETE + 1, grade_word};
const struct sl_words finding_layout_causes = {N_CAUSES, cause_word};

static const struct sl_field frame_fields[] = {
    SCALAR(TEXT, struct sl_frame, function), SCALAR(TEXT, struct sl_frame, file),
    SCALAR(U32, struct sl_frame, line),      SCALAR(TEXT, struct sl_frame, module),
    SCALAR(HEX, struct sl_frame, address),   SCALAR(BOOL, struct sl_frame, inlined),
    LATE(HEX, struct sl_frame, offset),      SCALAR(TEXT, struct sl_frame, build_id),
    LATE(U32, struct sl_frame, region),      LATE(BOOL, struct sl_frame, by_frame_pointers),
};
const struct sl_object finding_layout_frame = {FIELDS(frame_fields), .one_line = true};

static const struct sl_field wait_fields[] = {
    ENUM(struct sl_wait, "kind", kind, wait_kinds),
    SCALAR(INT, struct sl_wait, syscall_nr),
    SCALAR(TEXT, struct sl_wait, syscall),
    SCALAR(HEX, struct sl_wait, object),
    SCALAR(INT, struct sl_wait, owner),
    SCALAR(BOOL, struct sl_wait, timed),
    SCALAR(TEXT, struct sl_wait, target),
    SCALAR(TEXT, struct sl_wait, held),
    LATE(INT, struct sl_wait, ended_owner),
};
const struct sl_object finding_layout_wait = {FIELDS(wait_fields), .one_line = true};

static const char *proof_grade_word(unsigned value)
{
    return sl_proof_grade_text((enum sl_proof_grade) value);
}
static const struct sl_words proof_grades = {SL_PROOF_NOT_JUDGED + 1, proof_grade_word};

static const struct sl_field proof_step_fields[] = {
    SCALAR(NAME, struct sl_proof_step, what),
    SCALAR(HEX, struct sl_proof_step, at),
    SCALAR(HEX, struct sl_proof_step, holds),
};
static const struct sl_object proof_step_object = {FIELDS(proof_step_fields), .one_line = true};

static const struct sl_field proof_fields[] = {
    ENUM(struct sl_proof, "grade", grade, proof_grades),
    LIST(struct sl_proof, "path", path, n_path, proof_step_object),
    SCALAR(TEXT, struct sl_proof, reason),
    SCALAR(U32, struct sl_proof, n_dead),
};

static bool no_proof(const void *object)
{
    return ((const struct sl_proof *) object)->grade == SL_PROOF_NONE;
}

const struct sl_object finding_layout_proof = {FIELDS(proof_fields), .is_null = no_proof};

static const struct sl_field fact_fields[] = {
    ENUM(struct sl_fact, "kind", kind, fact_kinds),
    SCALAR(U32, struct sl_fact, count),
    SCALAR(U64, struct sl_fact, thread),
    SCALAR(HEX, struct sl_fact, object),
    SCALAR(U64, struct sl_fact, other),
    SCALAR(U64, struct sl_fact, value),
    SCALAR(TEXT, struct sl_fact, text),
};
static const struct sl_object fact_object = {FIELDS(fact_fields), .one_line = true};

static bool no_cost(const void *object)
{
    const struct sl_leak_cost *cost = object;
    return !cost->stack_bytes.value && !cost->stack_bytes.missing;
}

static const struct sl_field cost_fields[] = {
    SCALAR(VALUE, struct sl_leak_cost, stack_bytes),
    SCALAR(VALUE, struct sl_leak_cost, descriptors),
    SCALAR(VALUE, struct sl_leak_cost, cpu_ns_per_second),
};
static const struct sl_object cost_object = {FIELDS(cost_fields), .one_line = true,
                                             .is_null = no_cost};

/* The fields of a finding's group are found in the finding. */
_Static_assert(offsetof(struct sl_finding, group) == 0, "the group is first");

static const struct sl_field finding_fields[] = {
    CHARS(struct sl_group, "fingerprint", fingerprint),
    SCALAR(U32, struct sl_group, count),
    SCALAR(BOOL, struct sl_finding, counted),
    LATE(TEXT, struct sl_finding, ignored),
    ENUM(struct sl_finding, "cause", cause, finding_layout_causes),
    SCALAR(TEXT, struct sl_finding, evidence),
    LATE_LIST(struct sl_finding, "evidence_facts", facts, n_facts, fact_object),
    OBJECT(struct sl_finding, "cost", cost, cost_object),
    SCALAR(TEXT, struct sl_group, function),
    LIST(struct sl_group, "frames", frames, n_frames, finding_layout_frame),
    SCALAR(BOOL, struct sl_group, complete),
    {.key = "grade",
     .kind = SL_FIELD_WORD,
     .offset = offsetof(struct sl_group, grade),
     .words = &finding_layout_grades,
     .late = true},
    SCALAR(TEXT, struct sl_group, reason),
    OBJECT(struct sl_group, "wait", wait, finding_layout_wait),
    CHARS(struct sl_group, "thread_name", thread_name),
    IDS(struct sl_group, "tids", ids, n_ids),
    LATE_OBJECT(struct sl_group, "proof", proof, finding_layout_proof),
};

static const char *check_fingerprint(const char fingerprint[17])
{
    return strspn(fingerprint, "0123456789abcdef") == 16
               ? NULL
               : "'fingerprint' has to be 16 hexadecimal digits";
}

static const char *check_finding(const void *object)
{
    return check_fingerprint(((const struct sl_finding *) object)->group.fingerprint);
}

const struct sl_object finding_layout_finding = {FIELDS(finding_fields), .check = check_finding};

static const struct sl_field late_fields[] = {
    SCALAR(INT, struct sl_late_thread, tid),
    CHARS(struct sl_late_thread, "name", name),
    SCALAR(U64, struct sl_late_thread, delay_ns),
};
const struct sl_object finding_layout_late = {FIELDS(late_fields), .one_line = true};

/* Who waits for whom. */
static const struct sl_field line_fields[] = {
    SCALAR(INT, struct sl_wait_node, waits_for),
    SCALAR(U32, struct sl_wait_node, depth),
    SCALAR(U32, struct sl_wait_node, count),
    SCALAR(U32, struct sl_wait_node, behind),
    IDS(struct sl_wait_node, "tids", ids, n_ids),
    SCALAR(TEXT, struct sl_wait_node, name),
    SCALAR(TEXT, struct sl_wait_node, function),
    CHARS(struct sl_wait_node, "fingerprint", fingerprint),
    OBJECT(struct sl_wait_node, "wait", wait, finding_layout_wait),
    {KEYED(U32, struct sl_wait_node, "objects", n_objects)},
};

static const char *check_line(const void *object)
{
    const struct sl_wait_node *line = object;
    return line->count || *line->fingerprint ? check_fingerprint(line->fingerprint) : NULL;
}

static const struct sl_object line_object = {FIELDS(line_fields), .check = check_line,
                                             .one_line = true};

static const struct sl_field root_fields[] = {
    SCALAR(U32, struct sl_wait_root, count),
    SCALAR(U32, struct sl_wait_root, circle),
    SCALAR(BOOL, struct sl_wait_root, ends),
    LIST(struct sl_wait_root, "nodes", nodes, n_nodes, line_object),
};

/* What reads the lines follows them without a look at where they lead. */
static const char *check_waits(const void *object)
{
    const struct sl_wait_root *root = object;

    if (!root->n_nodes || root->circle > root->n_nodes)
        return "'nodes' does not have the threads of the circle, or no root";
    for (size_t i = 0; i < root->n_nodes; i++) {
        const struct sl_wait_node *node = &root->nodes[i];
        bool first = i < SL_MAX(root->circle, 1);
        int64_t whom = !first         ? node->waits_for
                       : root->circle ? (int64_t) ((i + 1) % root->circle)
                                      : -1;
        if (node->waits_for != whom || (!first && (whom < 0 || (size_t) whom >= i)))
            return "'waits_for' leads to no line that stands before it";
        if (node->depth != (first ? 0 : root->nodes[whom].depth + 1))
            return "'depth' contradicts 'waits_for'";
    }
    return NULL;
}

static const struct sl_object root_object = {FIELDS(root_fields), .check = check_waits};

static const struct sl_field candidate_fields[] = {
    {KEYED(U64, struct sl_wait_candidate, "tid", id)},
    SCALAR(TEXT, struct sl_wait_candidate, name),
    SCALAR(TEXT, struct sl_wait_candidate, function),
};
static const struct sl_object candidate_object = {FIELDS(candidate_fields), .one_line = true};

static const struct sl_field place_fields[] = {
    SCALAR(TEXT, struct sl_wait_place, what),
    SCALAR(HEX, struct sl_wait_place, object),
    SCALAR(TEXT, struct sl_wait_place, call),
    SCALAR(U32, struct sl_wait_place, count),
    IDS(struct sl_wait_place, "tids", ids, n_ids),
    SCALAR(TEXT, struct sl_wait_place, name),
    SCALAR(TEXT, struct sl_wait_place, function),
    LIST(struct sl_wait_place, "candidates", candidates, n_candidates, candidate_object),
    SCALAR(BOOL, struct sl_wait_place, searched),
    {.key = "descriptors",
     .kind = SL_FIELD_NUMBERS,
     .offset = offsetof(struct sl_wait_place, descriptors),
     .other = offsetof(struct sl_wait_place, n_descriptors)},
};
static const struct sl_object place_object = {FIELDS(place_fields)};

static const struct sl_field tree_fields[] = {
    SCALAR(U32, struct sl_wait_tree, waiting),
    SCALAR(U32, struct sl_wait_tree, deadlocks),
    LIST(struct sl_wait_tree, "roots", roots, n_roots, root_object),
    LATE_LIST(struct sl_wait_tree, "places", places, n_places, place_object),
};
const struct sl_object finding_layout_waits = {FIELDS(tree_fields)};

static const struct sl_field bin_fields[] = {
    SCALAR(U64, struct sl_late_bin, up_to_ns),
    SCALAR(U32, struct sl_late_bin, count),
};
static const struct sl_object bin_object = {FIELDS(bin_fields), .one_line = true};

static const struct sl_field late_group_fields[] = {
    CHARS(struct sl_late_group, "fingerprint", fingerprint),
    SCALAR(TEXT, struct sl_late_group, function),
    CHARS(struct sl_late_group, "thread_name", thread_name),
    SCALAR(U32, struct sl_late_group, count),
    LIST(struct sl_late_group, "bins", bins, n_bins, bin_object),
};
const struct sl_object finding_layout_late_group = {FIELDS(late_group_fields)};
