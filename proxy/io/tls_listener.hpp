#pragma once
// What a listener that speaks https is made of: its certificates, chosen by the name that the
// client asks for, and whether clients show one of theirs. Shared by all workers. The files are
// read again by refresh(); links that are there stay with what they began with.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/tls_context.hpp"
#include "io/tls_files.hpp"
#include "io/tls_tickets.hpp"

namespace keepsake {

struct TlsListenerOptions {
  struct Files {
    std::string certificate, key;
    bool operator==(const Files&) const = default;
  };
  std::vector<Files> certificates;  // the first also for clients whose name none is for
  std::string client_ca;            // empty: clients are not asked
  bool client_required = true;
  bool http2 = false;  // "h2" is offered, before HTTP/1.1
  std::string scope;   // a session of one scope cannot be taken up in another
  bool operator==(const TlsListenerOptions&) const = default;
};

enum class TlsRefresh : std::uint8_t { Unchanged, Renewed, Refused };

class TlsListener {
 public:
  // Null with `error`, which names the file.
  static std::shared_ptr<TlsListener> make(TlsListenerOptions options,
                                           std::shared_ptr<TlsTicketKeys> tickets,
                                           std::string& error);
  ~TlsListener();

  // From any worker. Null when there is no memory.
  std::unique_ptr<Tls> accept(int fd) const;

  // Reads the files again if they have changed since they were last looked at. Refused leaves the
  // old ones in use. `what` gets a sentence, or why not. From the control thread.
  TlsRefresh refresh(std::string& what);
  const TlsListenerOptions& options() const { return options_; }

 private:
  struct Contexts;
  TlsListener(TlsListenerOptions options, std::shared_ptr<TlsTicketKeys> tickets)
      : options_(std::move(options)), tickets_(std::move(tickets)) {}
  bool read(std::vector<TlsIdentity>& identities, std::string& summary, std::string& error) const;
  TlsContext make_context(const std::vector<TlsIdentity>& identities,
                          const std::vector<std::size_t>& set, std::string& error) const;
  std::shared_ptr<const Contexts> load(std::string& error) const;
  std::vector<std::string> paths() const;

  const TlsListenerOptions options_;
  const std::shared_ptr<TlsTicketKeys> tickets_;
  TlsFileStamp seen_;
  mutable std::mutex mutex_;  // of the pointer below: per handshake
  std::shared_ptr<const Contexts> current_;
};

}  // namespace keepsake
