// Preloaded by tests: name servers as a program sees them through c-ares. Every name has the IPv4 addresses
// that are the lines of the file KEEPSAKE_NAMES, read anew each time: none at all is an answer without an
// address. Without that variable the name servers say nothing, and a question stays open.
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

// One allocation of the library's own kind; ares_freeaddrinfo below takes the list apart again.
struct Entry {
  struct ares_addrinfo_node node;
  struct sockaddr_in address;
};

static struct ares_addrinfo* read_file(const char* path) {
  struct ares_addrinfo* found = calloc(1, sizeof *found);
  FILE* file = fopen(path, "r");
  char line[64];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    struct Entry* entry = calloc(1, sizeof *entry);
    entry->address.sin_family = AF_INET;
    inet_aton(line, &entry->address.sin_addr);
    entry->node.ai_ttl = 1;
    entry->node.ai_family = AF_INET;
    entry->node.ai_socktype = SOCK_STREAM;
    entry->node.ai_addrlen = sizeof entry->address;
    entry->node.ai_addr = (struct sockaddr*)&entry->address;
    entry->node.ai_next = found->nodes;
    found->nodes = &entry->node;
  }
  if (file != NULL) {
    fclose(file);
  }
  return found;
}

void ares_freeaddrinfo(struct ares_addrinfo* info) {
  while (info != NULL && info->nodes != NULL) {
    struct ares_addrinfo_node* next = info->nodes->ai_next;
    free(info->nodes);
    info->nodes = next;
  }
  free(info);
}

void ares_getaddrinfo(ares_channel channel, const char* name, const char* service,
                      const struct ares_addrinfo_hints* hints, ares_addrinfo_callback done,
                      void* argument) {
  (void)channel, (void)name, (void)service, (void)hints;
  const char* path = getenv("KEEPSAKE_NAMES");
  if (path != NULL) {
    done(argument, ARES_SUCCESS, 0, read_file(path));
  }
}
