#pragma once
// One worker's HTTP/2 connections to one server. A request takes a place on a connection that has
// one; only when all are full is another connection made, and the requests that wait for it stand
// in a line. Part of a ServerPool.

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "backend/server_pool.hpp"
#include "backend/shared_connection.hpp"
#include "io/line_limit.hpp"

namespace keepsake {

class SharedConnections {
 public:
  SharedConnections(ServerPool& pool, const PoolContext& context);
  ~SharedConnections();
  SharedConnections(const SharedConnections&) = delete;
  SharedConnections& operator=(const SharedConnections&) = delete;

  // A place on a connection that stands; empty when there is none, or others wait for one.
  Lease take();
  // The same; waits for it, and for a new connection if need be. See ServerPool::connect.
  Task<ServerPool::Connected> connect(Millis timeout, BackendConnection*& in_use);

  // Closes what is not to be used any more: connections to former addresses, or made by former
  // settings; in use, when their last stream has ended.
  void retire_outdated();
  void retire_all();
  std::size_t idle() const;
  void sweep(SteadyTime now);

  // --- From connections and streams:
  bool https() const { return pool_.server().tls; }
  bool keeps_idle() const;
  void look_soon();
  // Exchanges in the queue that have room now go on.
  void look();
  // Its SETTINGS have come.
  void note_ready(SharedConnection& connection);
  // It has ended.
  void forget(SharedConnection& connection, bool was_ready);
  void recycle(std::unique_ptr<BackendStream> stream);

 private:
  struct Standing;  // in the line
  using Failure = ServerPool::Connected;  // without a lease

  std::unique_ptr<BackendStream> new_stream();
  SharedConnection* with_room();
  void make_enough();
  Task<void> make(Millis timeout);
  void fail_line(const Failure& failure);
  void end_turn(std::size_t place, SharedConnection* seat, const Failure* failure);

  ServerPool& pool_;
  const PoolContext context_;
  std::vector<SharedConnection*> connections_;  // those that are not over
  std::deque<Standing*> line_;
  std::size_t coming_ = 0;        // connections that are being made
  std::size_t usual_room_ = 100;  // of a new connection, as the last one had it
  Spares<std::unique_ptr<BackendStream>> spares_;
  LineLimit lines_;
  OpSlot post_slot_;
  bool posted_ = false;
};

}  // namespace keepsake
