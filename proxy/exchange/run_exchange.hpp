#pragma once
// The steps of an exchange, in their order. Only the client side includes this.

#include "exchange/client.hpp"
#include "io/task.hpp"

namespace keepsake {

// Takes one request, whose first bytes have arrived, from the client and answers it. False: no
// other may follow on its connection.
Task<bool> run_exchange(Client& client);

}  // namespace keepsake
