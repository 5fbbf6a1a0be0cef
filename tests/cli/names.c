// Preloaded by tests: name servers as getaddrinfo sees them. Every name has the IPv4 addresses that are
// the lines of the file KEEPSAKE_NAMES, read anew each time: none at all is an answer without an address.
// Without that variable the name servers say nothing. Numbers need none.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef int Function(const char*, const char*, const struct addrinfo*, struct addrinfo**);

// One allocation, as freeaddrinfo expects.
struct Entry {
  struct addrinfo info;
  struct sockaddr_in address;
};

static int read_file(const char* path, const char* port, struct addrinfo** found) {
  FILE* file = fopen(path, "r");
  if (file == NULL) {
    return EAI_NONAME;
  }
  *found = NULL;
  char line[64];
  while (fgets(line, sizeof line, file) != NULL) {
    struct Entry* entry = calloc(1, sizeof *entry);
    entry->address.sin_family = AF_INET;
    entry->address.sin_port = htons((unsigned short)atoi(port));
    inet_aton(line, &entry->address.sin_addr);
    entry->info.ai_family = AF_INET;
    entry->info.ai_socktype = SOCK_STREAM;
    entry->info.ai_addrlen = sizeof entry->address;
    entry->info.ai_addr = (struct sockaddr*)&entry->address;
    entry->info.ai_next = *found;
    *found = &entry->info;
  }
  fclose(file);
  return 0;
}

int getaddrinfo(const char* name, const char* port, const struct addrinfo* hints,
                struct addrinfo** found) {
  if (isdigit((unsigned char)name[0])) {
    return ((Function*)dlsym(RTLD_NEXT, "getaddrinfo"))(name, port, hints, found);
  }
  const char* path = getenv("KEEPSAKE_NAMES");
  if (path != NULL) {
    return read_file(path, port, found);
  }
  sleep(60);
  return EAI_AGAIN;
}
