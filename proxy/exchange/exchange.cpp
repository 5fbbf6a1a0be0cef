#include "exchange/exchange.hpp"

#include <algorithm>
#include <array>

#include "exchange/hold_session.hpp"
#include "exchange/services.hpp"
#include "http/request_id.hpp"

namespace keepsake {

Exchange::Exchange(Client& from, Workspace& w)
    : client(from), work(w), services(from.services), view(from.view.get()) {
  rules = &view->snapshot->rules;
  started = services.clock().steady();
  site.https = client.peer.https;
  work.request_id.clear();
  work.session_lines.clear();
  work.return_page.clear();
}

// The head was kept for the log; now its bytes go, and pipelined ones move up.
Exchange::~Exchange() {
  client.on_cut = nullptr;
  if (held_link != nullptr) {
    let_go(*this);
  }
  work.in.release_held();
}

namespace {

// Of several lines the last is the nearest proxy's.
const Field* given_request_id(const Exchange& x) {
  if (!x.client.peer.trusted || !x.head_read || !x.work.request.has(FieldId::XRequestId)) {
    return nullptr;
  }
  const std::vector<Field>& fields = x.work.request.fields;
  return &*std::find_if(fields.rbegin(), fields.rend(), [](const Field& field) {
    return field.id == FieldId::XRequestId && field.exact;
  });
}

}  // namespace

const std::string& request_id(Exchange& x) {
  std::string& id = x.work.request_id;
  if (id.empty()) {
    const Field* given = given_request_id(x);
    if (given != nullptr && valid_request_id(given->value)) {
      id = given->value;
    } else {
      std::array<std::uint8_t, 16> random{};
      x.services.random().fill(random);
      append_request_id(random, id);
    }
  }
  return id;
}

}  // namespace keepsake
