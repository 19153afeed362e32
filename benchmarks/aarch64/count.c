/* A plugin of QEMU (7.2 or newer) that counts the instructions of the program it emulates.
 *
 * What it takes of QEMU's plugin interface, version 1, is declared here, since Debian's packages
 * hold no header of it. Counted by blocks: a block that is left half way counts whole.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SEEN __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct block;
struct machine;

extern size_t qemu_plugin_tb_n_insns(const struct block *);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, int, void *, uint64_t);
extern void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
extern void qemu_plugin_outs(const char *);

SEEN int qemu_plugin_version = 1;

enum { ADD = 0 };
static uint64_t executed;

static void translated(plugin_id id, struct block *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, ADD, &executed, qemu_plugin_tb_n_insns(block));
}

static void ended(plugin_id id, void *data) {
  char text[48];
  (void)id;
  (void)data;
  snprintf(text, sizeof text, "instructions %" PRIu64 "\n", executed);
  qemu_plugin_outs(text);
}

SEEN int qemu_plugin_install(plugin_id id, const struct machine *machine, int count, char **given) {
  (void)machine;
  (void)count;
  (void)given;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
