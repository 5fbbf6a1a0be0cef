#include "exchange/client.hpp"

#include "exchange/services.hpp"

namespace keepsake {

Client::Client(Services& at, Stream& connection, const Peer& client, const bool& left)
    : services(at), wire(connection), peer(client), gone(left), view(at.view()) {}

Client::~Client() {
  if (workspace) {
    services.give_workspace(std::move(workspace));
  }
}

}  // namespace keepsake
