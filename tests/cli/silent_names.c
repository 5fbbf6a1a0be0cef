// Preloaded by test_run.py: name servers that say nothing, as getaddrinfo sees them. Numbers need
// none.
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>

typedef int Function(const char*, const char*, const struct addrinfo*, struct addrinfo**);

int getaddrinfo(const char* name, const char* port, const struct addrinfo* hints,
                struct addrinfo** found) {
  if (isdigit((unsigned char)name[0])) {
    return ((Function*)dlsym(RTLD_NEXT, "getaddrinfo"))(name, port, hints, found);
  }
  sleep(60);
  return EAI_AGAIN;
}
