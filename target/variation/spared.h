// Freedoms that `--legal-variation` leaves out: an initiator that is known not to stand them meets
// all others.

#ifndef TARGET_VARIATION_SPARED_H_
#define TARGET_VARIATION_SPARED_H_

namespace pushpull::target {

struct Spared {
  bool vendor_events = false;    // RFC 7143 §11.9.1
  bool empty_data_in = false;    // §11.7.7
  bool unit_attentions = false;  // those in the middle of a session (SAM-5 §5.14)
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_SPARED_H_
