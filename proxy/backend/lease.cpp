// Lease and Slot, which server_pool.hpp describes.

#include "backend/server_pool.hpp"

namespace keepsake {

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    close();
    pool_ = other.pool_;
    connection_ = std::exchange(other.connection_, nullptr);
    slot_ = std::move(other.slot_);
  }
  return *this;
}

void Lease::give_back() {
  if (BackendConnection* connection = std::exchange(connection_, nullptr)) {
    pool_->keep(connection);
  }
  slot_.release();
}

void Lease::close() {
  if (BackendConnection* connection = std::exchange(connection_, nullptr)) {
    pool_->drop(connection);
  }
  slot_.release();
}

Slot& Slot::operator=(Slot&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    counted_ = other.counted_;
  }
  return *this;
}

void Slot::release() {
  if (ServerPool* pool = std::exchange(pool_, nullptr)) {
    pool->leave(counted_);
  }
}

}  // namespace keepsake
